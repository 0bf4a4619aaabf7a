package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/messages"
)

// movePart is the fault that has a second database, between which and the first it moves
// shards that are written to. Every write asks where its shard is then, as it does not
// otherwise: it runs where it is named alone.
const movePart = "move_shards"

// What the databases are called, and where the second one listens.
const (
	homeDatabase, eastDatabase = "home", "east"
	eastPort                   = ":5433"
	eastVariable               = "PARLEY_STORE_POSTGRES_DATABASES_EAST_URL="
)

const (
	afterMove   = time.Second // for which writers of a shard may wait
	movedAtOnce = 3           // shards, one after the other
	moveWithin  = time.Minute
)

// startEast starts the second database.
func (s *site) startEast(ctx context.Context) (err error) {
	store := s.network.hosts[storeHost]
	if s.east, err = program.NewPostgres(ctx, s.folder, store.address+eastPort, store.through...); err != nil {
		return err
	}
	s.inEast = make(map[messages.Shard]bool)
	return s.east.Start(ctx)
}

// moveShards moves shards of conversations that are written to, as an operator does.
func moveShards(ctx context.Context, d *injection) error {
	shards, err := d.shardsAtWork(ctx)
	if err != nil {
		return err
	}
	d.random.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
	for _, shard := range shards[:min(len(shards), movedAtOnce)] {
		if err := d.move(ctx, shard); err != nil {
			return err
		}
	}
	return nil
}

// move has a shard go to the database that it is not in.
func (d *injection) move(ctx context.Context, shard messages.Shard) error {
	ctx, cancel := context.WithTimeout(ctx, moveWithin)
	defer cancel()
	to := eastDatabase
	if d.inEast[shard] {
		to = homeDatabase
	}
	words := slices.Concat(d.network.hosts[storeHost].through, []string{d.binary, "shard", "move", "--shard", strconv.Itoa(int(shard)), "--to", to})
	command := exec.CommandContext(ctx, words[0], words[1:]...) // #nosec G204 -- it was just built
	command.Env = append(os.Environ(), "PARLEY_STORE_POSTGRES_URL="+d.postgres.URL, eastVariable+d.east.URL, "PARLEY_DATA="+d.folder)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("move shard %d to %s: %w: %s", shard, to, err, out)
	}
	d.inEast[shard] = to == eastDatabase
	return nil
}

// shardsAtWork are those of the conversations that clients write to.
func (d *injection) shardsAtWork(ctx context.Context) (shards []messages.Shard, err error) {
	var tenants struct {
		Data []struct {
			ID messages.TenantID `json:"id"`
		} `json:"data"`
	}
	if err := d.get(ctx, "http://"+d.nodes[0].settings.Admin+"/admin/tenants", d.admin, &tenants); err != nil {
		return nil, err
	}
	if len(tenants.Data) != 1 {
		return nil, errors.New("there is more than one tenant")
	}
	for _, id := range d.crew.conversations() {
		shard := messages.ShardOf(messages.ConversationRef{Tenant: tenants.Data[0].ID, Conversation: messages.ConversationID(id)})
		if !slices.Contains(shards, shard) {
			shards = append(shards, shard)
		}
	}
	return shards, nil
}
