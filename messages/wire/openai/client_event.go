package openai

import "example.com/parley/messages"

// The types of what a client sends over a WebSocket. The last two are Parley's
// own: docs/api.md has them.
const (
	EventCreate = "response.create"
	EventSteer  = "response.steer"
	EventResume = "response.resume"
	EventCancel = "response.cancel"
)

// ClientEvent is a message of a client's over a WebSocket.
type ClientEvent struct {
	Type     string
	StreamID string            // empty where it names none
	Create   *ResponsesRequest // of a response.create
	Generate bool              // of a response.create: false is a warm-up
	Response string            // whom a resume or a cancel names
	After    int64             // of a resume: number of the last event that the client has; -1 for none
	Steer    SteerRequest
}

// SteerRequest is what a response.steer says.
type SteerRequest struct {
	PreviousResponseID string
	Input              []messages.Item
	Raw                []byte // the input as it was sent
}

// maxStreamID is how many characters a lane's name may have.
const maxStreamID = 256

// DecodeClientEvent reads a message and checks it. Nothing of it aliases body. Its
// errors are *messages.Failure; Type and StreamID are set with them as far as
// they could be read, so that the answer can name its lane. Raw is set too.
func DecodeClientEvent(body []byte) (ClientEvent, error) {
	e := ClientEvent{Generate: true, After: -1}
	if err := e.readHead(body); err != nil {
		return e, err
	}
	switch e.Type {
	case EventCreate:
		return e, e.readCreate(body)
	case EventSteer:
		return e, e.read(body, e.steerMember, e.checkSteer)
	case EventResume:
		return e, e.read(body, e.resumeMember, e.checkNamed)
	case EventCancel:
		return e, e.read(body, e.cancelMember, e.checkTarget)
	case "":
		return e, invalid("type", "is missing", "send "+sentence(clientEvents[:]))
	default:
		return e, invalid("type", "is none of those that there are", "send "+sentence(clientEvents[:]))
	}
}

var clientEvents = [...]string{EventCreate, EventSteer, EventResume, EventCancel}

// readHead reads what says what the rest is. Members come in any order, so this
// is a reading of its own.
func (e *ClientEvent) readHead(body []byte) error {
	r := newReader(body)
	defer r.release()
	var stream *string
	err := r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			e.Type, err = r.string()
		case "stream_id":
			stream = new(string)
			*stream, err = r.string()
		default:
			err = r.skip()
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return refusal(err, body)
	}
	if stream == nil {
		return nil
	}
	if !isStreamID(*stream) {
		return invalidStream()
	}
	e.StreamID = *stream
	return nil
}

func isStreamID(name string) bool {
	if name == "" || len(name) > maxStreamID {
		return false
	}
	for _, b := range []byte(name) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-', b == '.':
		default:
			return false
		}
	}
	return true
}

func invalidStream() error {
	f := invalid("stream_id", "is no name of a stream", "send 1 to 256 letters, digits, underscores, hyphens or periods, or leave it out")
	f.Code = messages.CodeInvalidStream
	return f
}

// readCreate reads what POST /v1/responses would, and the members that a
// WebSocket has beside it.
func (e *ClientEvent) readCreate(body []byte) error {
	r := responsesRequestReader{reader: newReader(body)}
	defer r.release()
	err := r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type", "stream_id":
			return r.skip()
		case "generate":
			e.Generate, err = r.bool()
			return err
		default:
			return r.member(name)
		}
	})
	if err == nil && !e.Generate && !r.input {
		r.input, r.request.Input = true, []messages.Item{} // there may be nothing to prepare but what is before
	}
	if err == nil {
		err = r.checkSocket(e.Generate)
	}
	if err != nil {
		return refusal(err, body)
	}
	r.request.Stream = true
	e.Create = &r.request
	return nil
}

// checkSocket holds the rules of a request that came over a WebSocket.
func (r *responsesRequestReader) checkSocket(generate bool) error {
	if r.request.Background {
		f := invalid("background", "is not there over a WebSocket", "leave it out; what is stored can be resumed from any connection")
		f.Code = messages.CodeUnsupported
		return f
	}
	if !generate && len(r.request.Input) == 0 {
		input := r.request.Input
		r.request.Input = []messages.Item{{}} // which the rules of a request ask for
		defer func() { r.request.Input = input }()
	}
	return r.check()
}

// read reads an event whose members are all known. Those of a later version are
// passed over.
func (e *ClientEvent) read(body []byte, member func(*reader, []byte) error, check func() error) error {
	r := newReader(body)
	defer r.release()
	err := r.object(func(name []byte) error { return member(r, name) })
	if err == nil {
		err = check()
	}
	if err != nil {
		return refusal(err, body)
	}
	return nil
}

func (e *ClientEvent) steerMember(r *reader, name []byte) (err error) {
	switch string(name) {
	case "previous_response_id":
		e.Steer.PreviousResponseID, err = r.string()
	case "input":
		start := r.start()
		if e.Steer.Input, err = r.responsesInput(); err == nil {
			e.Steer.Raw = r.since(start)
		}
	default:
		err = r.skip()
	}
	return err
}

func (e *ClientEvent) checkSteer() error {
	switch {
	case e.Steer.PreviousResponseID == "":
		return invalid("previous_response_id", "is missing", "send the id of the response that runs")
	case len(e.Steer.Input) == 0:
		return invalid("input", "is missing or empty", "send a string or an array of messages")
	}
	for i := range e.Steer.Input {
		if item := &e.Steer.Input[i]; item.Kind != messages.ItemMessage || item.Role != messages.RoleUser {
			return invalid("input", "has an item that is no message of the user's", "send messages of the role user alone")
		}
	}
	return nil
}

func (e *ClientEvent) resumeMember(r *reader, name []byte) (err error) {
	switch string(name) {
	case "response_id":
		e.Response, err = r.string()
	case "starting_after":
		e.After, err = r.integer()
		if err == nil && e.After < -1 {
			err = invalid("starting_after", "is negative", "send the number of the last event that you have, or leave it out")
		}
	default:
		err = r.skip()
	}
	return err
}

func (e *ClientEvent) checkNamed() error {
	if e.Response == "" {
		return invalid("response_id", "is missing", "send the response's id")
	}
	return nil
}

func (e *ClientEvent) cancelMember(r *reader, name []byte) (err error) {
	if string(name) != "response_id" {
		return r.skip()
	}
	e.Response, err = r.string()
	return err
}

// checkTarget accepts what names nothing: it means the lane without a name.
func (e *ClientEvent) checkTarget() error { return nil }
