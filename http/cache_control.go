package http

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// What a request says of the cache, beside Cache-Control.
const (
	cacheThresholdHeader = "x-parley-cache-threshold"
	cacheTTLHeader       = "x-parley-cache-ttl"
	cacheScopeHeader     = "x-parley-cache-scope"
	cacheNamespaceHeader = "x-parley-cache-namespace"
	cachePaceHeader      = "x-parley-cache-pace"
)

const (
	maxCachePace = time.Second
	maxNamespace = 128 // bytes
)

// cacheControl reads what a request says of the cache.
func cacheControl(c *fiber.Ctx) (control messages.CacheControl, err error) {
	for _, member := range [...]struct {
		name string
		read func(*messages.CacheControl, string) error
	}{
		{fiber.HeaderCacheControl, readDirectives},
		{cacheThresholdHeader, readThreshold},
		{cacheTTLHeader, readTTL},
		{cacheScopeHeader, readScope},
		{cacheNamespaceHeader, readNamespace},
		{cachePaceHeader, readPace},
	} {
		value := c.Request().Header.Peek(member.name)
		if len(value) == 0 {
			continue
		}
		if err = member.read(&control, string(value)); err != nil {
			break
		}
	}
	return control, err
}

// readDirectives reads those that mean something in a request (RFC 9111, 5.2.1).
// Others are for caches on the way.
func readDirectives(control *messages.CacheControl, value string) error {
	for directive := range strings.SplitSeq(value, ",") {
		name, argument, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store":
			control.NoStore = true
		case "no-cache":
			control.NoCache = true
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(argument, `"`), 10, 32)
			if err != nil {
				return invalid(fiber.HeaderCacheControl, "max-age of Cache-Control is no number of seconds", "give one, such as max-age=600")
			}
			control.MaxAge = time.Duration(seconds) * time.Second
			control.NoCache = control.NoCache || seconds == 0
		}
	}
	return nil
}

func readThreshold(control *messages.CacheControl, value string) (err error) {
	control.Threshold, err = strconv.ParseFloat(value, 64)
	if err != nil || !(control.Threshold >= messages.MinCacheThreshold && control.Threshold <= 1) {
		return invalid(cacheThresholdHeader, cacheThresholdHeader+" is no number from 0.5 to 1", "give one such as 0.9")
	}
	return nil
}

// readTTL reads seconds, or a time with its unit.
func readTTL(control *messages.CacheControl, value string) (err error) {
	if seconds, digits := strconv.ParseUint(value, 10, 32); digits == nil {
		control.TTL = time.Duration(seconds) * time.Second
	} else {
		control.TTL, err = time.ParseDuration(value)
	}
	if err != nil || control.TTL < messages.MinCacheTTL || control.TTL > messages.MaxCacheTTL {
		return invalid(cacheTTLHeader, cacheTTLHeader+" is no time from a second to 30 days", "give seconds, such as 600, or a time such as 10m")
	}
	return nil
}

func readScope(control *messages.CacheControl, value string) error {
	if control.PerUser = value == "user"; !control.PerUser && value != "tenant" {
		return invalid(cacheScopeHeader, cacheScopeHeader+" is neither tenant nor user", "give one of them")
	}
	return nil
}

func readNamespace(control *messages.CacheControl, value string) error {
	if !isText([]byte(value), maxNamespace) {
		return invalid(cacheNamespaceHeader, cacheNamespaceHeader+" is too long, or not plain text", "give up to 128 characters of ASCII")
	}
	control.Namespace = value
	return nil
}

func readPace(control *messages.CacheControl, value string) (err error) {
	if control.Pace, err = time.ParseDuration(value); err != nil || control.Pace < 0 || control.Pace > maxCachePace {
		return invalid(cachePaceHeader, cachePaceHeader+" is no time of up to a second", "give the time between words, such as 20ms")
	}
	return nil
}
