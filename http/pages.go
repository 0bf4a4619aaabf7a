package http

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// What a page of a listing may hold, as with OpenAI.
const (
	usualPage = 20
	maxPage   = 100
)

// pageOf reads which part of a listing is wanted: limit, order and after.
func pageOf(c *fiber.Ctx) (messages.Page, error) {
	page := messages.Page{Limit: usualPage, After: strings.Clone(c.Query("after"))}
	if limit := c.Query("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > maxPage {
			return page, invalid("limit", "limit is not a number from 1 to 100", "leave it out for 20")
		}
		page.Limit = n
	}
	switch c.Query("order") {
	case "asc":
		page.Asc = true
	case "desc", "":
	default:
		return page, invalid("order", "order is neither asc nor desc", "leave it out for desc, the newest first")
	}
	if page.After != "" && !isID(page.After) {
		return page, invalid("after", "after is not an id of a listing", "send last_id of the page before")
	}
	return page, nil
}
