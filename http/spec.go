package http

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// newTurn is what every turn has, whichever format it came in.
func (s *Server) newTurn(c *fiber.Ctx, x *exchange) (spec messages.TurnSpec, err error) {
	spec = messages.TurnSpec{
		ID: x.id, Tenant: x.principal.Tenant, Key: x.principal.Key, Endpoint: x.endpoint, Address: x.address, Allowed: x.principal.Allowed,
		Deadline: x.begun.Add(s.cfg.TurnTimeout),
	}
	if spec.Priority, err = classOf(c, &x.principal); err != nil {
		return spec, err
	}
	if spec.Continue = s.cfg.Continue; len(c.Request().Header.Peek(continueHeader)) > 0 {
		if spec.Continue, err = strconv.ParseBool(string(c.Request().Header.Peek(continueHeader))); err != nil {
			return spec, invalid(continueHeader, continueHeader+" is neither true nor false", "give true, so that another provider goes on with a stream that breaks, or false")
		}
	}
	if spec.Cache, err = cacheControl(c); err != nil {
		return spec, err
	}
	spec.Override, err = routeOverride(c, &x.principal)
	return spec, err
}

// priorityHeader says in which class a turn waits.
const priorityHeader = "x-parley-priority"

// classOf is the class that a request asks for, or that of its key.
func classOf(c *fiber.Ctx, who *messages.Principal) (messages.Priority, error) {
	name := c.Request().Header.Peek(priorityHeader)
	if len(name) == 0 {
		return who.Class.Priority(), nil
	}
	class, ok := messages.ParsePriority(string(name))
	if !ok {
		return 0, invalid(priorityHeader, priorityHeader+" is none of the classes", "give interactive, standard or batch")
	}
	return class, nil
}

// look refuses a request whose turn would be refused, before its body is decoded or
// its Idempotency-Key looked up: under a flood that is all that most requests cost.
func (s *Server) look(c *fiber.Ctx, x *exchange) error {
	class, err := classOf(c, &x.principal)
	if err != nil {
		return err
	}
	return s.conversations.Look(x.principal.Tenant, class)
}

// continueHeader asks for streams that outlive their provider, or for the
// contrary.
const continueHeader = "x-parley-continue"

// continueConversation lets a turn read and be kept in a conversation. Whether there is
// one it finds out itself: to ask the store first would be another way to the database.
// Who has no business with conversations cannot read one by way of a turn, either.
func continueConversation(x *exchange, spec *messages.TurnSpec, id messages.ConversationID, param string) error {
	if err := needScopes(&x.principal, messages.ScopeConversations); err != nil {
		return blame(err, param)
	}
	if !isID(string(id)) {
		return blame(noSuchConversation(), param)
	}
	spec.Conversation, spec.Keep = id, true
	return nil
}

// findConversation fails where there is none, for whoever begins no turn that would.
func (s *Server) findConversation(ref messages.ConversationRef) error {
	ctx, release := s.storeContext()
	defer release()
	_, err := s.library.Conversation(ctx, ref)
	return err
}

// checkPlain refuses text that not every database can keep.
func checkPlain(param, text string) error {
	if strings.IndexByte(text, 0) < 0 {
		return nil
	}
	return invalid(param, param+" has the character U+0000", "leave it out")
}

// keepApart keeps a turn that names no conversation in one of its own, which
// is listed nowhere.
func keepApart(spec *messages.TurnSpec) {
	spec.Conversation, spec.Keep = messages.NewConversationID(spec.ID), true
	spec.Create, spec.Private = true, true
}

// storePatience bounds a question to the store.
const storePatience = 10 * time.Second

func (s *Server) storeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.cut, storePatience)
}

// blame names the field that a failure is about.
func blame(err error, param string) error {
	f := *messages.AsFailure(err)
	f.Param = param
	return &f
}
