package anthropic

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// partBlock writes a part of a message. It returns nil for a part that says
// nothing, which Anthropic refuses.
func partBlock(part *messages.Part) ([]byte, error) {
	switch part.Kind {
	case messages.PartText, messages.PartRefusal:
		if blank(part.Text) {
			return nil, nil
		}
		return textBlock(part.Text), nil
	case messages.PartImage:
		return imageBlock(part.Image)
	default:
		if part.Format == messages.FormatAnthropic {
			return part.Raw, nil
		}
		return nil, unsupported("messages", "content that is neither text nor an image cannot be given to Anthropic's models",
			"send text and images, or choose a model of another provider")
	}
}

func partBlocks(parts []messages.Part) ([][]byte, error) {
	blocks := make([][]byte, 0, len(parts))
	for i := range parts {
		block, err := partBlock(&parts[i])
		if err != nil {
			return nil, err
		}
		if block != nil {
			blocks = append(blocks, block)
		}
	}
	return blocks, nil
}

func textBlock(text string) []byte {
	b := begin(nil)
	b.string("type", "text")
	b.string("text", text)
	return b.end()
}

// imageBlock takes a data: URL apart, because Anthropic wants the bytes and
// their type as two members.
func imageBlock(url string) ([]byte, error) {
	b := begin(nil)
	b.string("type", "image")
	b.name("source")
	source := begin(b.dst)
	switch {
	case strings.HasPrefix(url, "data:"):
		media, data, ok := strings.Cut(url[len("data:"):], ";base64,")
		if !ok {
			return nil, badImage("an image's data: URL is not base64")
		}
		source.string("type", "base64")
		source.string("media_type", media)
		source.string("data", data)
	case strings.HasPrefix(url, "https://"), strings.HasPrefix(url, "http://"):
		source.string("type", "url")
		source.string("url", url)
	default:
		return nil, badImage("an image's URL is neither https: nor data:")
	}
	b.dst = source.end()
	return b.end(), nil
}

func badImage(what string) error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, Param: "messages", What: what,
		Do: "give an https: URL, or data:image/png;base64,...",
	}
}

func thoughtBlock(t thought) []byte {
	b := begin(nil)
	if t.redacted {
		b.string("type", "redacted_thinking")
		b.string("data", t.proof)
		return b.end()
	}
	b.string("type", "thinking")
	b.string("thinking", t.text)
	b.string("signature", t.proof)
	return b.end()
}

func callBlock(item *messages.Item, id string) []byte {
	b := begin(nil)
	b.string("type", "tool_use")
	b.string("id", id)
	b.string("name", item.Name)
	b.raw("input", inputOf(item.Args))
	return b.end()
}

// inputOf is a call's arguments as the object that Anthropic wants. What is no
// object goes in one, so that the model sees what it wrote.
func inputOf(args string) []byte {
	if blank(args) {
		return []byte("{}")
	}
	if value := jsontext.Value(args); value.IsValid() && value.Kind() == '{' {
		return value
	}
	b := begin(nil)
	b.string("arguments", args)
	return b.end()
}

func resultBlock(id string, content [][]byte, failed bool) []byte {
	b := begin(nil)
	b.string("type", "tool_result")
	b.string("tool_use_id", id)
	if len(content) > 0 {
		b.name("content")
		b.dst = appendArray(b.dst, content)
	}
	if failed {
		b.bool("is_error", true)
	}
	return b.end()
}

// callID replaces what Anthropic does not take in an id: other providers' have
// dots and colons.
func callID(id string) string {
	if id == "" {
		return "call"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
			return r
		default:
			return '_'
		}
	}, id)
}

func unsupported(param, what, do string) *messages.Failure {
	return &messages.Failure{Code: messages.CodeUnsupported, Param: param, What: what, Do: do}
}
