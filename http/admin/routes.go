package admin

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	parleyhttp "example.com/parley/http"
)

// routeView is a route on the wire.
type routeView struct {
	Object   string   `json:"object"`   // "route"
	Listener string   `json:"listener"` // "clients" or "operators"
	Method   string   `json:"method"`
	Path     string   `json:"path"`   // {id} is a segment, {id...} all the rest
	Opens    []string `json:"opens"`  // the roles of keys that it opens to; empty where it asks for no key
	Scopes   []string `json:"scopes"` // that a key needs, unless it has none at all
}

// What a route opens to.
const (
	toMember   = "member"
	toReadOnly = "read-only"
	toAdmin    = "admin"
)

// listRoutes lists what both listeners have, and whom it opens to: the tables
// that the servers go by.
func (s *Server) listRoutes(c *fiber.Ctx) error {
	views := make([]routeView, 0, len(s.deps.Endpoints))
	for _, e := range s.deps.Endpoints {
		views = append(views, viewEndpoint(e))
	}
	return sendList(c, slices.Concat(views, s.ownRoutes()), func(v routeView) (routeView, string) { return v, "" })
}

func viewEndpoint(e parleyhttp.Endpoint) routeView {
	v := routeView{Object: "route", Listener: "clients", Method: e.Method, Path: e.Pattern, Opens: []string{}, Scopes: e.Scopes.Names()}
	if e.Public {
		return v
	}
	v.Opens = []string{toMember}
	if e.Method == fiber.MethodGet {
		v.Opens = append(v.Opens, toReadOnly)
	}
	return v
}

// ownRoutes are those under /admin, which open to admin keys alone.
func (s *Server) ownRoutes() (views []routeView) {
	for _, r := range s.app.GetRoutes(true) {
		if strings.HasPrefix(r.Path, "/admin/") && r.Method != fiber.MethodHead {
			views = append(views, routeView{
				Object: "route", Listener: "operators", Method: r.Method, Path: braced(r.Path), Opens: []string{toAdmin}, Scopes: []string{},
			})
		}
	}
	return views
}

// braced writes a path as the documents do.
func braced(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if name, named := strings.CutPrefix(segment, ":"); named {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}
