package admin

import (
	"log/slog"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Drill is what operators may have fail, to see that nothing else does. actors
// implements it.
type Drill interface {
	// FailPart has a part of the actors' tree fail, or says that there is none of
	// that name.
	FailPart(name string) error
	FailShard(of messages.ConversationRef)
	FailConversation(ref messages.ConversationRef)
}

// drill has one actor fail.
func (s *Server) drill(c *fiber.Ctx) error {
	var wanted struct {
		Actor        string                  `json:"actor"`
		Tenant       messages.TenantID       `json:"tenant"`
		Conversation messages.ConversationID `json:"conversation"`
	}
	if err := decode(c, &wanted); err != nil {
		return err
	}
	ref := messages.ConversationRef{Tenant: wanted.Tenant, Conversation: wanted.Conversation}
	named := ref.Tenant != "" && ref.Conversation != ""
	switch {
	case wanted.Actor == "conversation" && named:
		s.deps.Drill.FailConversation(ref)
	case wanted.Actor == "shard" && named:
		s.deps.Drill.FailShard(ref)
	case wanted.Actor == "conversation" || wanted.Actor == "shard":
		return &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "it is not said which " + wanted.Actor + " is to fail", Param: "conversation",
			Do: "give tenant and conversation",
		}
	default:
		if err := s.deps.Drill.FailPart(wanted.Actor); err != nil {
			return err
		}
	}
	s.note(c, messages.AuditChange{Action: "drill", Object: wanted.Actor, Tenant: wanted.Tenant, After: drilled{wanted.Conversation}})
	s.deps.Log.Info("an operator had an actor fail", slog.String("request", c.GetRespHeader(requestID)), slog.String("actor", wanted.Actor))
	return c.JSON(fiber.Map{"object": "drill", "actor": wanted.Actor, "failed": true})
}

// drilled is a drill in the audit log.
type drilled struct {
	Conversation messages.ConversationID `json:"conversation,omitempty"`
}
