package http

import (
	"errors"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

// command does what a message says, or refuses it.
func (n *session) command(body []byte) {
	e, err := openai.DecodeClientEvent(body)
	lane := messages.Lane{Name: e.StreamID}
	if err == nil {
		err = n.server.socketLimits.Message(n.use())
	}
	if err != nil {
		n.Refuse(lane, err)
		return
	}
	if n.core != nil {
		n.core.command(lane, &e, body)
		return
	}
	switch e.Type {
	case openai.EventCreate:
		if err := n.server.conversations.Look(n.asked.tenant, n.asked.priority); err != nil {
			n.Refuse(lane, err)
			return
		}
		n.create(lane, &e)
	case openai.EventSteer:
		n.tell(&messages.Steering{ID: NewRequestID(), Response: e.Steer.PreviousResponseID, Input: e.Steer.Input, Raw: e.Steer.Raw})
	case openai.EventResume:
		n.tell(&messages.LaneTurn{
			Lane: lane, Spec: n.newSpec(), Resume: &messages.ResumeTurn{Response: e.Response, After: e.After},
		})
	case openai.EventCancel:
		n.tell(&messages.CancelLane{Lane: lane, Response: e.Response})
	}
}

// create asks for a response, by the rules of POST /v1/responses.
func (n *session) create(lane messages.Lane, e *openai.ClientEvent) {
	t := &messages.LaneTurn{Lane: lane, Spec: n.newSpec(), Previous: e.Create.PreviousResponseID, Warm: !e.Generate}
	if err := describe(t.Spec, e.Create); err != nil {
		n.refuse(n.exchange(t.Spec.ID), lane, err)
		return
	}
	t.Spec.Conversation = messages.ConversationID(e.Create.Conversation)
	t.Store = e.Create.Store == nil || *e.Create.Store
	n.tell(t)
}

// asked is what a handshake says of all turns on its connection. There are as many as
// there are connections, and a turn's specification has four times its size.
type asked struct {
	tenant   messages.TenantID
	key      messages.KeyID
	priority messages.Priority
	goesOn   bool // with another provider, where one breaks
	cache    messages.CacheControl
	override messages.RouteOverride
}

func askedBy(spec *messages.TurnSpec) asked {
	return asked{
		tenant: spec.Tenant, key: spec.Key, priority: spec.Priority, goesOn: spec.Continue, cache: spec.Cache, override: spec.Override,
	}
}

// newSpec is a turn as the handshake asked for it.
func (n *session) newSpec() *messages.TurnSpec {
	a := &n.asked
	return &messages.TurnSpec{
		ID: NewRequestID(), Tenant: a.tenant, Key: a.key, Endpoint: socketPattern, Address: n.address, Allowed: n.who.Load().Allowed,
		Priority: a.priority, Continue: a.goesOn, Cache: a.cache, Override: a.override,
	}
}

// describe says what is asked, apart from where it is asked.
func describe(spec *messages.TurnSpec, request *openai.ResponsesRequest) error {
	spec.Model, spec.Instructions, spec.Input = request.Model, request.Instructions, request.Input
	spec.Options, spec.Stream = request.Options, request.Stream
	return errors.Join(checkPlain("model", spec.Model), checkPlain("instructions", spec.Instructions))
}

// appendErrorMessage writes a failure as a WebSocket has it.
func appendErrorMessage(dst []byte, f *messages.Failure, lane messages.Lane) []byte {
	return openai.AppendErrorMessage(dst, openai.ErrorOf(f), socketStatus(f), lane.Name)
}

// socketStatus is the status of a failure over a WebSocket. OpenAI calls a response
// that is not there a bad request here.
func socketStatus(f *messages.Failure) int {
	if f.Code == messages.CodeResponseAbsent {
		return appearances[messages.CodeInvalidRequest].status
	}
	return appearanceOf(f).status
}

// Steered implements messages.SessionClient.
func (n *session) Steered(s *messages.Steering, step messages.SteerStep) {
	n.say(openai.AppendSteered(nil, s, step))
}
