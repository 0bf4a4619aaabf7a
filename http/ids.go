package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// maxID is longer than any id that was given out.
const maxID = 128

// isID tells whether an id could have been given out by this server. What could
// not is answered as what there is not: a database may fail at its spelling.
func isID(text string) bool {
	if text == "" || len(text) > maxID {
		return false
	}
	for _, b := range []byte(text) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}

// checkPath refuses paths whose ids name nothing.
func checkPath(c *fiber.Ctx, pattern string) error {
	if !strings.HasPrefix(pattern, "/v1/conversations/") {
		return nil
	}
	if !isID(c.Params("id")) {
		return noSuchConversation()
	}
	if strings.HasSuffix(pattern, "{item}") && !isID(c.Params("item")) {
		return &messages.Failure{
			Code: messages.CodeItemAbsent, What: "there is no such item", Do: "list the conversation's items to see their ids",
		}
	}
	return nil
}

func noSuchConversation() error {
	return &messages.Failure{
		Code: messages.CodeConversationAbsent, What: "there is no such conversation",
		Do: "create one with POST /v1/conversations, or list them with GET /v1/conversations",
	}
}
