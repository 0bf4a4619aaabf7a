package openai

import "example.com/parley/messages"

// responseFormat reads what shape the text must have. In the chat format the
// schema's members stand under "json_schema", in the Responses format beside the
// type. A format that Parley does not know comes back as raw.
func (r *reader) responseFormat(flat bool) (format *messages.ResponseFormat, raw []byte, err error) {
	start := r.start()
	format = &messages.ResponseFormat{}
	err = r.object(func(name []byte) error {
		switch string(name) {
		case "type":
			kind, err := r.string()
			format.Kind = messages.ResponseFormatKind(kind)
			return err
		case "json_schema":
			return r.object(func(name []byte) error { return r.schema(name, format) })
		default:
			return r.schema(name, format)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	switch format.Kind {
	case messages.ResponseText, messages.ResponseJSON:
		return format, nil, nil
	case messages.ResponseJSONSchema:
		return format, nil, r.checkSchema(format, flat)
	case "":
		return nil, nil, invalid(r.path()+".type", "is missing", `send "text", "json_object" or "json_schema"`)
	default:
		return nil, r.since(start), nil
	}
}

func (r *reader) schema(name []byte, format *messages.ResponseFormat) (err error) {
	switch string(name) {
	case "name":
		format.Name, err = r.string()
	case "description":
		format.Description, err = r.string()
	case "strict":
		format.Strict, err = r.choice()
	case "schema":
		if !r.isObject() {
			return r.mismatch("an object")
		}
		format.Schema, err = r.raw()
	default:
		err = r.skip()
	}
	return err
}

// checkSchema wants a name, which every provider wants too. A format without a
// schema is allowed: it asks for any JSON.
func (r *reader) checkSchema(format *messages.ResponseFormat, flat bool) error {
	member := "json_schema.name"
	if flat {
		member = "name"
	}
	return r.wants(format.Name != "", member, "name the schema")
}
