package http

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// UsageList is a page of a report on the wire.
type UsageList struct {
	Object   string      `json:"object"` // "list"
	Data     []UsageLine `json:"data"`
	HasMore  bool        `json:"has_more"`
	NextPage *string     `json:"next_page"` // to be sent as page; null behind the last
	Summary  UsageLine   `json:"summary"`   // of the whole report, whatever the page
}

// UsageLine is a line of a report on the wire: tokens as they were billed, money
// in nano-dollars, exactly, and in micro-dollars, rounded once. What the report is
// not grouped by is left out.
type UsageLine struct {
	Object    string  `json:"object"` // "usage"
	Day       *string `json:"day,omitempty"`
	Tenant    *string `json:"tenant,omitempty"`
	Key       *string `json:"key,omitempty"`
	Provider  *string `json:"provider,omitempty"`
	Model     *string `json:"model,omitempty"`
	CacheTier *string `json:"cache_tier,omitempty"`

	Attempts   int64 `json:"attempts"`
	Input      int   `json:"input_tokens"`
	Cached     int   `json:"cached_tokens"`
	CacheWrite int   `json:"cache_write_tokens"`
	Output     int   `json:"output_tokens"`
	Reasoning  int   `json:"reasoning_tokens"`
	Unpriced   int64 `json:"unpriced_attempts"`

	WithoutCache      messages.NanoDollars  `json:"cost_without_cache_nano_dollars"`
	Cost              messages.NanoDollars  `json:"cost_nano_dollars"`
	Saved             messages.NanoDollars  `json:"saved_nano_dollars"`
	WithoutCacheMicro messages.MicroDollars `json:"cost_without_cache_micro_dollars"`
	CostMicro         messages.MicroDollars `json:"cost_micro_dollars"`
	SavedMicro        messages.MicroDollars `json:"saved_micro_dollars"`
	SavedPercent      float64               `json:"saved_percent"` // of the cost without cache, to two places
}

// ViewUsage is a line as it is sent.
func ViewUsage(t *messages.UsageTotal, by []messages.UsageGroup) UsageLine {
	line := UsageLine{
		Object: "usage", Attempts: t.Attempts,
		Input: t.Usage.Input, Cached: t.Usage.Cached, CacheWrite: t.Usage.CacheWrite, Output: t.Usage.Output, Reasoning: t.Usage.Reasoning,
		Unpriced: t.Unpriced, WithoutCache: t.WithoutCache(), Cost: t.Cost, Saved: t.Saved,
		WithoutCacheMicro: t.WithoutCache().Micro(), CostMicro: t.Cost.Micro(), SavedMicro: t.Saved.Micro(),
		SavedPercent: math.Round(100*t.SavedPercent()) / 100,
	}
	for _, group := range by {
		text := t.Group(group)
		switch group {
		case messages.ByDay:
			line.Day = &text
		case messages.ByTenant:
			line.Tenant = &text
		case messages.ByKey:
			line.Key = &text
		case messages.ByProvider:
			line.Provider = &text
		case messages.ByModel:
			line.Model = &text
		case messages.ByCacheTier:
			line.CacheTier = &text
		}
	}
	return line
}

// SendUsage answers with a page of a report: as JSON, or as CSV where the client
// asks for that with format=csv or an Accept of text/csv.
func SendUsage(c *fiber.Ctx, q *messages.UsageQuery, report *messages.UsageReport) error {
	format := c.Query("format")
	switch {
	case format == "csv", format == "" && strings.HasPrefix(c.Get(fiber.HeaderAccept), "text/csv"):
		return sendUsageCSV(c, q, report)
	case format != "" && format != "json":
		return invalid("format", "format is neither json nor csv", "leave it out for json")
	}
	list := UsageList{Object: "list", Data: make([]UsageLine, len(report.Lines)), HasMore: report.More, NextPage: nextPage(q, report), Summary: ViewUsage(&report.Sum, nil)}
	for i := range report.Lines {
		list.Data[i] = ViewUsage(&report.Lines[i], q.By)
	}
	return c.JSON(list)
}

func nextPage(q *messages.UsageQuery, report *messages.UsageReport) *string {
	if !report.More {
		return nil
	}
	return new(strconv.Itoa(q.Skip + len(report.Lines)))
}

// sendUsageCSV says in x-parley-next-page what a table has no place for.
func sendUsageCSV(c *fiber.Ctx, q *messages.UsageQuery, report *messages.UsageReport) error {
	table, err := UsageCSV(q.By, report.Lines)
	if err != nil {
		return err
	}
	if next := nextPage(q, report); next != nil {
		c.Set("x-parley-next-page", *next)
	}
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="usage.csv"`)
	return c.Send(table)
}

// usageColumns are the numbers of a line in CSV, named as in JSON.
var usageColumns = [...]string{
	"attempts", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "unpriced_attempts",
	"cost_without_cache_nano_dollars", "cost_nano_dollars", "saved_nano_dollars",
	"cost_without_cache_micro_dollars", "cost_micro_dollars", "saved_micro_dollars", "saved_percent",
}

// UsageCSV writes lines as a table, as RFC 4180 has it. No line is their sum: who
// adds a column up would count it twice.
func UsageCSV(by []messages.UsageGroup, lines []messages.UsageTotal) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	row := make([]string, 0, len(by)+len(usageColumns))
	for _, group := range by {
		row = append(row, string(group))
	}
	_ = w.Write(append(row, usageColumns[:]...)) // what goes wrong is told by Error
	for i := range lines {
		row = row[:0]
		for _, group := range by {
			row = append(row, harmless(lines[i].Group(group)))
		}
		_ = w.Write(append(row, usageNumbers(&lines[i])...)) // as above
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func usageNumbers(t *messages.UsageTotal) []string {
	line := ViewUsage(t, nil)
	numbers := make([]string, 0, len(usageColumns))
	for _, n := range [...]int64{
		line.Attempts, int64(line.Input), int64(line.Cached), int64(line.CacheWrite), int64(line.Output), int64(line.Reasoning), line.Unpriced,
		int64(line.WithoutCache), int64(line.Cost), int64(line.Saved), int64(line.WithoutCacheMicro), int64(line.CostMicro), int64(line.SavedMicro),
	} {
		numbers = append(numbers, strconv.FormatInt(n, 10))
	}
	return append(numbers, strconv.FormatFloat(line.SavedPercent, 'f', -1, 64))
}

// harmless keeps a spreadsheet from carrying a text out: names of models come from
// whoever asked for them.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
