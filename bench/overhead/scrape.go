package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metrics are the samples of a page in Prometheus' text format, by their name
// with its labels.
type metrics map[string]float64

func parseMetrics(page io.Reader) (metrics, error) {
	found := make(metrics)
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

// value returns a metric that has to be there.
func (m metrics) value(name string) (float64, error) {
	value, ok := m[name]
	if !ok {
		return 0, fmt.Errorf("the server has no metric %s", name)
	}
	return value, nil
}

// scrape reads the server's metrics from its admin listener.
func scrape(ctx context.Context, admin string) (metrics, error) {
	body, err := fetch(ctx, "http://"+admin+"/metrics")
	if err != nil {
		return nil, err
	}
	return parseMetrics(strings.NewReader(body))
}

// fetch reads a page, however long it takes up to a minute: to collect garbage
// in a large heap does.
func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
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
