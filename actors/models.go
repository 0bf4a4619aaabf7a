package actors

import (
	"context"
	"strconv"

	"example.com/parley/actors/conversation"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/messages"
)

// models joins the router, which says where to send a call, and the providers,
// which make it. Both are asked for their snapshots: no actor is in the way of a
// request.
type models struct {
	router    *router.Router
	providers *provider.Providers
}

// NewModels returns what conversations know of router and providers.
func NewModels(r *router.Router, p *provider.Providers) conversation.Models {
	return models{router: r, providers: p}
}

// Permit implements conversation.Models.
func (m models) Permit(want messages.Routing) error { return m.router.Permit(want) }

// Route implements conversation.Models.
func (m models) Route(want messages.Routing) ([]messages.Target, error) { return m.router.Route(want) }

// Open implements conversation.Models.
func (m models) Open(ctx context.Context, target messages.Target, call *messages.Call) (conversation.Answer, error) {
	answer, err := m.providers.Open(ctx, target, call)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// ModelParts returns the actors of router and providers, as siblings.
func ModelParts(r *router.Router, p *provider.Providers, outliers provider.OutlierConfig) []Part {
	handles := p.Handles()
	parts := append(make([]Part, 0, 2+len(handles)),
		Part{Name: "router", Props: r.Props()}, Part{Name: "outliers", Props: p.Comparer(outliers)})
	for _, handle := range handles {
		parts = append(parts, ProviderPart(handle, 0))
	}
	return parts
}

// ProviderPart returns a provider's actor. Those that have the name after one
// another are told apart by a number.
func ProviderPart(h *provider.Handle, number int) Part {
	name := "provider-" + h.Name()
	if number > 0 {
		name += "~" + strconv.Itoa(number)
	}
	return Part{Name: name, Props: h.Props()}
}
