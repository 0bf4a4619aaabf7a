package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// What a request says of who is to answer it.
const (
	routeHeader    = "x-parley-route"    // provider/model, and others behind commas
	strategyHeader = "x-parley-strategy" // as in the configuration
)

const (
	maxRouteTargets = 8   // each is asked in vain before the next
	maxRouteTarget  = 256 // bytes of one
)

// routeOverride reads what a request says of who is to answer it, which only
// some tenants may.
func routeOverride(c *fiber.Ctx, who *messages.Principal) (o messages.RouteOverride, err error) {
	route, strategy := c.Request().Header.Peek(routeHeader), c.Request().Header.Peek(strategyHeader)
	if len(route) == 0 && len(strategy) == 0 {
		return o, nil
	}
	if !who.MayRoute {
		return o, &messages.Failure{
			Code: messages.CodePermission, What: "this tenant's requests may not say who answers them",
			Do: "leave " + routeHeader + " and " + strategyHeader + " out, or ask an operator for: parley tenant change --may-route", NoRetry: true,
		}
	}
	if len(strategy) > 0 {
		if err := o.Strategy.UnmarshalText(strategy); err != nil {
			return o, invalid(strategyHeader, strategyHeader+" is none of the strategies", o.Strategy.Allowed())
		}
	}
	if len(route) > 0 {
		o.Targets, err = parseRoute(string(route))
	}
	return o, err
}

func parseRoute(route string) ([]messages.Target, error) {
	names := strings.Split(route, ",")
	if len(names) > maxRouteTargets {
		return nil, invalid(routeHeader, routeHeader+" names too many targets", "name at most 8")
	}
	targets := make([]messages.Target, len(names))
	for i, name := range names {
		var ok bool
		name = strings.TrimSpace(name)
		if targets[i], ok = messages.ParseTarget(name); !ok || !isText([]byte(name), maxRouteTarget) {
			return nil, invalid(routeHeader, routeHeader+" has a target that is none", "give provider/model, and further ones behind commas")
		}
	}
	return targets, nil
}
