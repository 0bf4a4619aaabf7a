package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/parley/messages"
)

func cacheCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "cache", Short: "Fill the cache of a running server"}
	c.AddCommand(cacheWarmCommand(w))
	return c
}

func cacheWarmCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "warm [QUESTION...]", Short: "Have questions answered before anybody asks them",
		Long: "Have questions answered before anybody asks them. The key is the one in " + clientKeyVariable + ",\n" +
			"or the first tenant's from the data folder.",
		Example: "  parley cache warm --model gpt-5-mini --file questions.txt --budget 0.50\n" +
			"  parley cache warm --file requests.jsonl --per-minute 120",
	}
	flags := addConfigFlags(c)
	var ask warmAsk
	c.Flags().StringVar(&ask.Model, "model", "", "have the `MODEL` answer the questions")
	c.Flags().StringVar(&ask.Instructions, "instructions", "", "put `TEXT` before each question, as system message")
	c.Flags().IntVar(&ask.PerMinute, "per-minute", 60, "ask `N` questions a minute at most")
	file := c.Flags().String("file", "", "read questions from `FILE`, one a line (- for standard input), or bodies of chat completions where its name ends in .jsonl")
	budget := c.Flags().Float64("budget", 1, "spend `DOLLARS` at most")
	server := c.Flags().String("server", "", "ask the server at `ADDR`, as host:port (default the one that uses the data folder)")
	c.RunE = func(c *cobra.Command, questions []string) error {
		ask.Prompts, ask.Budget = questions, int64(math.Round(*budget*1e9))
		if ask.Budget < 1 {
			return &messages.Failure{Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--budget is %v", *budget), Do: "give dollars above 0, such as 0.50"}
		}
		if err := ask.read(*file, c.InOrStdin()); err != nil {
			return err
		}
		client, err := warmClient(flags, w, *server)
		if err != nil {
			return err
		}
		defer client.close()
		return ask.await(c.Context(), client, c.OutOrStdout())
	}
	return c
}

// warmAsk is the body of a request to warm the cache.
type warmAsk struct {
	Model        string            `json:"model,omitempty"`
	Instructions string            `json:"instructions,omitempty"`
	Prompts      []string          `json:"prompts,omitempty"`
	Requests     []json.RawMessage `json:"requests,omitempty"`
	PerMinute    int               `json:"requests_per_minute"`
	Budget       int64             `json:"budget_nano_dollars"`
}

// read adds the lines of a file.
func (a *warmAsk) read(name string, standard io.Reader) error {
	in := standard
	switch name {
	case "":
		return nil
	case "-":
	default:
		opened, err := os.Open(name) // #nosec G304 -- the caller names it
		if err != nil {
			return fmt.Errorf("read the questions: %w", err)
		}
		defer opened.Close() //nolint:errcheck // nothing was written
		in = opened
	}
	scanner := bufio.NewScanner(in)
	const longest = 4 << 20 // bytes of a line
	scanner.Buffer(nil, longest)
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		switch {
		case line == "":
		case !strings.HasSuffix(name, ".jsonl"):
			a.Prompts = append(a.Prompts, line)
		case !json.Valid([]byte(line)):
			return &messages.Failure{Code: messages.CodeInvalidJSON, What: fmt.Sprintf("line %d of %s is no JSON", number, name), Do: "write one body of a chat completion in each line"}
		default:
			a.Requests = append(a.Requests, json.RawMessage(line))
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the questions: %w", err)
	}
	return nil
}

// warmClient asks the public listener of a server.
func warmClient(flags *configFlags, w world, server string) (*remote, error) {
	cfg, _, err := flags.load(w)
	if err != nil {
		return nil, err
	}
	key, err := secretVariable(w.environment, clientKeyVariable)
	if err != nil {
		return nil, err
	}
	data := folder(cfg.Data)
	if key == "" {
		if key, err = data.kept(firstKeyFile); err != nil {
			return nil, err
		}
	}
	if key == "" {
		return nil, &messages.Failure{Code: messages.CodeInvalidKey, What: "there is no key to show to the server", Do: "set " + clientKeyVariable + " to a key of the tenant's"}
	}
	if server == "" {
		if p, err := data.present(); err == nil {
			server = p.Listen
		}
	}
	client := newRemote(dialable(cmp.Or(server, cfg.HTTP.Listen)), key)
	client.listener = "where it listens for clients"
	return client, nil
}

// dialable is an address as this machine connects to it, where the server listens on
// all of its own.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// warmed is what a server says of a warming.
type warmed struct {
	ID      messages.WarmingID                              `json:"id"`
	Status  messages.WarmingStatus                          `json:"status"`
	Counts  struct{ Total, Kept, Known, Unfit, Failed int } `json:"request_counts"`
	Failure messages.Code                                   `json:"last_failure"`
	Spent   messages.NanoDollars                            `json:"spent_nano_dollars"`
}

// String is a line of progress.
func (g *warmed) String() string {
	return fmt.Sprintf("%s: %d of %d answered, %d known before, %d that the cache keeps no reply to, %d failed; %s spent",
		g.Status, g.Counts.Kept, g.Counts.Total, g.Counts.Known, g.Counts.Unfit, g.Counts.Failed, dollars(g.Spent))
}

// lookEvery is how often the progress is asked for.
const lookEvery = time.Second

// await begins a warming, shows its progress, and returns when it has ended. Who is
// interrupted leaves it running.
func (a *warmAsk) await(ctx context.Context, server *remote, out io.Writer) error {
	var g warmed
	if err := server.do(ctx, http.MethodPost, "/v1/cache/warm", a, &g); err != nil {
		return err
	}
	for said := ""; ; {
		if now := g.String(); now != said {
			said = now
			if _, err := fmt.Fprintln(out, now); err != nil {
				return err
			}
		}
		if g.Status != messages.WarmingRunning {
			break
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return fmt.Errorf("%s goes on: %w", g.ID, ctx.Err())
		}
		if err := server.do(ctx, http.MethodGet, "/v1/cache/warm/"+string(g.ID), nil, &g); err != nil {
			return err
		}
	}
	if g.Counts.Failed > 0 {
		return fmt.Errorf("%d of %d were not answered, the last for %s", g.Counts.Failed, g.Counts.Total, g.Failure)
	}
	return nil
}
