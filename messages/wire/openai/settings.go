package openai

import (
	"fmt"
	"math"
	"unicode/utf8"

	"example.com/parley/messages"
)

// setting reads a member that requests of both formats have, with one meaning.
// It returns false, and has read nothing, for any other.
func (r *reader) setting(name []byte, o *messages.Options) (known bool, err error) {
	switch string(name) {
	case "temperature":
		o.Temperature, err = r.within(0, 2)
	case "top_p":
		o.TopP, err = r.within(0, 1)
	case "top_logprobs":
		o.TopLogprobs, err = r.count(0, maxTopLogprobs)
	case "parallel_tool_calls":
		o.ParallelToolCalls, err = r.choice()
	case "user":
		o.User, err = r.string()
	case "metadata":
		o.Metadata, err = r.metadata()
	default:
		return false, nil
	}
	return true, err
}

// within reads a number from low to high.
func (r *reader) within(low, high float64) (*float64, error) {
	number, err := r.number()
	if err != nil {
		return nil, err
	}
	if number < low || number > high {
		return nil, invalid(r.path(), "is out of range", fmt.Sprintf("send a number from %g to %g", low, high))
	}
	return &number, nil
}

// count reads an integer from low to high.
func (r *reader) count(low, high int64) (*int, error) {
	i, err := r.integer()
	if err != nil {
		return nil, err
	}
	if i < low || i > high {
		do := fmt.Sprintf("send an integer from %d to %d", low, high)
		if high == math.MaxInt32 {
			do = fmt.Sprintf("send an integer of at least %d", low)
		}
		return nil, invalid(r.path(), "is out of range", do)
	}
	n := int(i)
	return &n, nil
}

// tokens reads a limit of output tokens.
func (r *reader) tokens() (*int, error) { return r.count(1, math.MaxInt32) }

func (r *reader) choice() (*bool, error) {
	b, err := r.bool()
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// model reads the name of a model.
func (r *reader) model() (string, error) {
	name, err := r.string()
	if err == nil && len(name) > maxModelName {
		err = invalid(r.path(), fmt.Sprintf("is longer than %d bytes", maxModelName), "name a model of GET /v1/models")
	}
	return name, err
}

func noModel() error {
	return invalid("model", "is missing", "name a model; GET /v1/models lists them")
}

// metadata reads pairs of short strings.
func (r *reader) metadata() (map[string]string, error) {
	pairs := make(map[string]string)
	err := r.object(func(name []byte) error {
		key := string(name)
		if !r.isString() { // the path would name the client's own key
			if err := r.skip(); err != nil {
				return err
			}
			return invalid("metadata", "has a value that is no string", "send strings alone")
		}
		value, err := r.string()
		if err != nil {
			return err
		}
		pairs[key] = value
		switch {
		case len(pairs) > maxMetadata:
			return invalid("metadata", fmt.Sprintf("has more than %d pairs", maxMetadata), "send fewer")
		case utf8.RuneCountInString(key) > maxMetadataKey:
			return invalid("metadata", fmt.Sprintf("has a key of more than %d characters", maxMetadataKey), "shorten it")
		case utf8.RuneCountInString(value) > maxMetadataValue:
			return invalid("metadata", fmt.Sprintf("has a value of more than %d characters", maxMetadataValue), "shorten it")
		}
		return nil
	})
	return pairs, err
}

// extra keeps a member that Parley does not know.
func (r *reader) extra(name []byte, o *messages.Options) error {
	if len(o.Extra) == maxExtra {
		return invalid("", fmt.Sprintf("has more than %d unknown members", maxExtra), "send those of the API alone")
	}
	field := messages.Field{Name: string(name)}
	value, err := r.raw()
	field.Value = value
	o.Extra = append(o.Extra, field)
	return err
}

// checkLogprobs holds the rule between the two members.
func checkLogprobs(o *messages.Options) error {
	if o.TopLogprobs != nil && *o.TopLogprobs > 0 && !o.Logprobs {
		return invalid("top_logprobs", "needs logprobs", "send logprobs: true with it")
	}
	return nil
}
