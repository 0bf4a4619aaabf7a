package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
)

func shardCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "shard", Short: "Show and change which database conversations are in", Args: cobra.NoArgs,
		Long: "Show and change which of several PostgreSQL databases conversations are in (store.postgres.databases).\n\n" +
			"Conversations belong to 1,024 shards by hash, and a shard is in one database. Shards move while servers\n" +
			"run: nothing is lost, and what is written to a shard waits for less than a second.",
	}
	c.AddCommand(shardPlanCommand(w), shardMoveCommand(w))
	return c
}

// openDatabases opens what shards are in, beside servers that run.
func openDatabases(ctx context.Context, w world, flags *configFlags) (*sharded.Store, postgres.Config, error) {
	cfg, _, err := flags.load(w)
	if err != nil {
		return nil, postgres.Config{}, err
	}
	c := cfg.Store.Postgres
	if len(c.Databases) == 0 {
		return nil, c, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "there is one database, and all shards are in it",
			Do: "name further ones with store.postgres.databases, and start all servers with them first",
		}
	}
	c.Connections, c.MaxConns = 1, 6 // a move uses three
	s, err := sharded.Open(ctx, c, "", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	return s, c, err
}

// spreadFlags say what an even spread is.
type spreadFlags struct {
	over *[]string
	by   *string
}

func addSpreadFlags(c *cobra.Command) spreadFlags {
	return spreadFlags{
		over: c.Flags().StringSlice("over", nil, "spread over these `NAMES`, and leave none in others (default all databases)"),
		by:   c.Flags().String("by", string(sharded.SpreadByItems), "make `WHAT` even: items, bytes or shards"),
	}
}

func (f spreadFlags) plan(ctx context.Context, s *sharded.Store, c postgres.Config) (sharded.ShardPlan, error) {
	by := sharded.SpreadBy(*f.by)
	if !slices.Contains([]sharded.SpreadBy{sharded.SpreadByItems, sharded.SpreadByBytes, sharded.SpreadByShards}, by) {
		return sharded.ShardPlan{}, &messages.Failure{Code: messages.CodeInvalidRequest, What: "nothing can be spread by " + strconv.Quote(*f.by), Do: "give items, bytes or shards with --by"}
	}
	over := *f.over
	if len(over) == 0 {
		over = c.Names()
	}
	return s.Plan(ctx, over, by)
}

func shardPlanCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "plan", Short: "Show which shards would move for an even spread", Args: cobra.NoArgs,
		Example: "  parley shard plan\n  parley shard plan --over home,east --by bytes --json",
	}
	flags, spread, asJSON := addConfigFlags(c), addSpreadFlags(c), c.Flags().Bool("json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, cfg, err := openDatabases(c.Context(), w, flags)
		if err != nil {
			return err
		}
		defer s.Close()
		plan, err := spread.plan(c.Context(), s, cfg)
		if err != nil {
			return err
		}
		if *asJSON {
			return printIndented(c.OutOrStdout(), plan)
		}
		return printPlan(c.OutOrStdout(), plan)
	}
	return c
}

func printPlan(w io.Writer, plan sharded.ShardPlan) error {
	header := []string{"DATABASE", "SHARDS", "AFTER", "CONVERSATIONS", "AFTER", "ITEMS", "AFTER", "MB", "AFTER"}
	if err := printTable(w, header, len(plan.Before), func(i int) []string {
		before, after := plan.Before[i], plan.After[i]
		cells := append(make([]string, 0, len(header)), before.Name, strconv.Itoa(before.Shards), strconv.Itoa(after.Shards))
		for _, pair := range [][2]int64{{before.Conversations, after.Conversations}, {before.Items, after.Items}, {before.Bytes >> 20, after.Bytes >> 20}} {
			cells = append(cells, strconv.FormatInt(pair[0], 10), strconv.FormatInt(pair[1], 10))
		}
		return cells
	}); err != nil {
		return err
	}
	if len(plan.Moves) == 0 {
		_, err := fmt.Fprintln(w, "\nNothing has to move.")
		return err
	}
	routes := make(map[string][]messages.Shard)
	for i := range plan.Moves {
		m := &plan.Moves[i]
		route := m.Database + " to " + m.To
		routes[route] = append(routes[route], m.Shard)
	}
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		shards := routes[route]
		if _, err := fmt.Fprintf(w, "\n%s from %s:\n  %s\n", count(len(shards), "shard"), route, runsOf(shards)); err != nil {
			return err
		}
	}
	return nil
}

// runsOf names shards in few words, such as "0-511 700".
func runsOf(shards []messages.Shard) string {
	sorted := slices.Sorted(slices.Values(shards))
	var runs []string
	for first := 0; first < len(sorted); {
		last := first
		for last+1 < len(sorted) && sorted[last+1] == sorted[last]+1 {
			last++
		}
		run := strconv.Itoa(int(sorted[first]))
		if last > first {
			run += "-" + strconv.Itoa(int(sorted[last]))
		}
		runs, first = append(runs, run), last+1
	}
	return strings.Join(runs, " ")
}

// moveFlags say what is to move.
type moveFlags struct {
	shards         *[]int
	from, to, rate *string
	plan           *bool
	resume, revert *bool
}

func shardMoveCommand(w world) *cobra.Command {
	c := &cobra.Command{
		Use: "move", Short: "Move shards to another database while servers run", Args: cobra.NoArgs,
		Long: "Move shards to another database while servers run, one after the other.\n\n" +
			"A move that is cut off, by whatever, keeps nobody waiting: the shard stays where it is, or is where it\n" +
			"was to go. --resume goes on with what was cut off, and --revert has it stay.",
		Example: "  parley shard move --shard 17 --to east\n  parley shard move --from home --to east --rate 20MB\n  parley shard move --plan --over home,east",
	}
	flags, spread := addConfigFlags(c), addSpreadFlags(c)
	f := moveFlags{
		shards: c.Flags().IntSlice("shard", nil, "move these shards, by `NUMBERS` from 0 to 1023"),
		from:   c.Flags().String("from", "", "move all shards that are in the database `NAME`"),
		to:     c.Flags().String("to", "", "move to the database `NAME`"),
		plan:   c.Flags().Bool("plan", false, "move what `parley shard plan` shows"),
		rate:   c.Flags().String("rate", "", "copy at most so many `BYTES` a second, at least 1MB (default as fast as it goes)"),
		resume: c.Flags().Bool("resume", false, "go on with what was cut off, and take away what moved shards left"),
		revert: c.Flags().Bool("revert", false, "have the shard whose move was cut off stay where it is"),
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		rate, err := parseRate(*f.rate)
		if err != nil {
			return err
		}
		s, cfg, err := openDatabases(c.Context(), w, flags)
		if err != nil {
			return err
		}
		defer s.Close()
		moves, err := f.moves(c.Context(), s, cfg, spread)
		if err != nil {
			return err
		}
		if *f.revert {
			return revertMoves(c.Context(), c.OutOrStdout(), s, moves)
		}
		return moveShards(c.Context(), c.OutOrStdout(), s, moves, sharded.MoveOptions{Rate: rate})
	}
	return c
}

const leastRate = 1_000_000 // a transaction that is fed more slowly than that would run into its own limits

func parseRate(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	unit := int64(1)
	for suffix, n := range map[string]int64{"KB": 1e3, "MB": 1e6, "GB": 1e9} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, n
		}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n*unit < leastRate {
		return 0, &messages.Failure{Code: messages.CodeInvalidRequest, What: "--rate is no rate", Do: "give bytes a second, at least 1MB, such as 20MB"}
	}
	return n * unit, nil
}

// shardMove is a shard and where it is to go.
type shardMove struct {
	shard messages.Shard
	to    string
}

// moves are what the flags ask for.
func (f *moveFlags) moves(ctx context.Context, s *sharded.Store, cfg postgres.Config, spread spreadFlags) (moves []shardMove, err error) {
	switch {
	case *f.resume || *f.revert:
		for shard, to := range s.CutOff() {
			moves = append(moves, shardMove{shard, to})
		}
		return moves, nil
	case *f.plan && *f.to == "" && *f.from == "" && len(*f.shards) == 0:
		plan, err := spread.plan(ctx, s, cfg)
		for i := range plan.Moves {
			moves = append(moves, shardMove{plan.Moves[i].Shard, plan.Moves[i].To})
		}
		return moves, err
	case *f.to != "" && (len(*f.shards) > 0) != (*f.from != ""):
		return f.named(s, cfg)
	default:
		return nil, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "it is not said what is to move",
			Do: "give --shard and --to, --from and --to, --plan, --resume or --revert",
		}
	}
}

func (f *moveFlags) named(s *sharded.Store, cfg postgres.Config) (moves []shardMove, err error) {
	for _, name := range []string{*f.to, *f.from} {
		if name != "" && !slices.Contains(cfg.Names(), name) {
			return nil, &messages.Failure{Code: messages.CodeInvalidRequest, What: "there is no database " + strconv.Quote(name), Do: "give one of " + strings.Join(cfg.Names(), ", ")}
		}
	}
	for _, n := range *f.shards {
		if n < 0 || n >= messages.Shards {
			return nil, &messages.Failure{Code: messages.CodeInvalidRequest, What: fmt.Sprintf("there is no shard %d", n), Do: "give numbers from 0 to 1023"}
		}
		moves = append(moves, shardMove{messages.Shard(n), *f.to})
	}
	for shard := range messages.Shard(messages.Shards) {
		if *f.from != "" && s.DatabaseOf(shard) == *f.from {
			moves = append(moves, shardMove{shard, *f.to})
		}
	}
	return moves, nil
}

// cleanEvery is after how many shards what they left is taken away: each time all names
// of a database are read.
const cleanEvery = 64

func moveShards(ctx context.Context, w io.Writer, s *sharded.Store, moves []shardMove, o sharded.MoveOptions) error {
	var longest time.Duration
	var bytes int64
	began := time.Now()
	for i, m := range moves {
		moved, err := s.MoveShard(ctx, m.shard, m.to, o)
		if err != nil {
			return fmt.Errorf("move shard %d: %w", m.shard, err)
		}
		longest, bytes = max(longest, moved.Blocked), bytes+moved.Bytes
		if _, err := fmt.Fprintf(w, "%d/%d  shard %d to %s: %s, %.1f MB in %s, writers waited %s\n", i+1, len(moves), m.shard, m.to,
			count(moved.Conversations, "conversation"), float64(moved.Bytes)/1e6, moved.Took.Round(time.Millisecond), moved.Blocked.Round(time.Millisecond)); err != nil {
			return err
		}
		if (i+1)%cleanEvery == 0 {
			if _, err := s.CleanShards(ctx, o); err != nil {
				return fmt.Errorf("take away what shards left: %w", err)
			}
		}
	}
	if _, err := s.CleanShards(ctx, o); err != nil {
		return fmt.Errorf("take away what shards left: %w", err)
	}
	_, err := fmt.Fprintf(w, "moved %s, %.1f MB in %s; nobody waited for longer than %s\n", count(len(moves), "shard"), float64(bytes)/1e6,
		time.Since(began).Round(time.Millisecond), longest.Round(time.Millisecond))
	return err
}

func revertMoves(ctx context.Context, w io.Writer, s *sharded.Store, moves []shardMove) error {
	if len(moves) == 0 {
		_, err := fmt.Fprintln(w, "no move was cut off")
		return err
	}
	for _, m := range moves {
		reverted, err := s.RevertMove(ctx, m.shard)
		if err != nil {
			return fmt.Errorf("revert the move of shard %d: %w", m.shard, err)
		}
		said := "stays in " + s.DatabaseOf(m.shard)
		if !reverted {
			said = "had moved to " + m.to + " already, and is there; what it left is taken away by --resume"
		}
		if _, err := fmt.Fprintf(w, "shard %d %s\n", m.shard, said); err != nil {
			return err
		}
	}
	return nil
}
