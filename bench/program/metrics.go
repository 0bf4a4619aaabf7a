package program

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Metrics are the samples of a page in Prometheus' text format, by their name
// with its labels.
type Metrics map[string]float64

func parseMetrics(page io.Reader) (Metrics, error) {
	found := make(Metrics)
	for lines := bufio.NewScanner(page); ; {
		if !lines.Scan() {
			return found, lines.Err()
		}
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("a metric is written %q", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("read a metric: %w", err)
		}
		found[line[:at]] = value
	}
}

// Value returns a metric that has to be there.
func (m Metrics) Value(name string) (float64, error) {
	value, ok := m[name]
	if !ok {
		return 0, fmt.Errorf("the server has no metric %s", name)
	}
	return value, nil
}

// Sum adds up the samples of a name that have the label.
func (m Metrics) Sum(name, label, value string) (sum float64) {
	pair := fmt.Sprintf("%s=%q", label, value)
	for sample, n := range m {
		labels, found := strings.CutPrefix(sample, name+"{")
		if found && slices.Contains(strings.Split(strings.TrimSuffix(labels, "}"), ","), pair) {
			sum += n
		}
	}
	return sum
}

// Scrape reads a server's metrics from its admin listener.
func Scrape(ctx context.Context, admin string) (Metrics, error) {
	body, err := Fetch(ctx, "http://"+admin+"/metrics", "")
	if err != nil {
		return nil, err
	}
	return parseMetrics(strings.NewReader(body))
}

// Fetch reads a page with a key, which may be empty, however long it takes up to a minute: to collect garbage
// in a large heap does.
func Fetch(ctx context.Context, url, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers with status %d", url, reply.StatusCode)
	}
	return string(body), nil
}
