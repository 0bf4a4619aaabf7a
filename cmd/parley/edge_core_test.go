package main

import (
	"crypto/rand"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// asksDuring asks one question after the other while something happens, and wants all
// of them answered.
func (p *process) asksDuring(t *testing.T, happens func()) {
	t.Helper()
	done := make(chan struct{})
	var asked sync.WaitGroup
	asked.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				t.Logf("%d questions were asked", n)
				return
			default:
			}
			if status, header, said := p.asks("/v1/chat/completions", chatOf("What does "+rand.Text()+" mean?")); status != http.StatusOK {
				t.Errorf("while a server stops: %d %v %s", status, header, said)
			}
		}
	})
	happens()
	close(done)
	asked.Wait()
}

// An edge node of two servers goes on with the other when one stops, which no client
// notices, or dies. It keeps what it had cached: the servers have heard of each other's
// drops.
func TestAnEdgeNodeGoesOnWithTheNextServer(t *testing.T) {
	t.Parallel()
	certs, at, prefix := certificatesFor(t), database(t), "test-"+rand.Text()
	core, addresses, launched := make([]*process, 0, 2), make([]string, 0, 2), make([]launch, 0, 2)
	for _, name := range []string{"node-1", "node-2"} {
		address := freePort(t)
		env := identified(certs, name, append(sharing(t, redisAddress(t), prefix),
			"PARLEY_EDGE_LISTEN="+address, "PARLEY_STORE_POSTGRES_URL="+at, "PARLEY_STORE_POSTGRES_CONNECTIONS=2", "PARLEY_STORE_POSTGRES_MAX_CONNECTIONS=12")...)
		l := launch{data: filepath.Join(t.TempDir(), "data"), arguments: []string{"--cluster", "--cluster-listen", "127.0.0.1:0"}, env: env}
		core, addresses, launched = append(core, start(t, l)), append(addresses, address), append(launched, l)
	}
	admin, err := folder(core[0].data).kept(adminKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range core {
		p.key = core[0].key
		if err := folder(p.data).keep(adminKeyFile, admin); err != nil { // of both: they share a database
			t.Fatal(err)
		}
		eventually(t, "it to follow", p.follows)
	}
	w := &nearbyWorld{core: core[0], env: identified(certs, "edge-1", "PARLEY_EDGE_CORES="+strings.Join(addresses, ","), "PARLEY_EDGE_NAME=nearby")}
	time.Sleep(16 * time.Second) // both know all that was dropped lately, as far as an edge node asks
	w.startEdge(t, "")
	w.edge.tier(sharpen)
	w.keepsSome(t)
	for _, p := range core {
		eventually(t, "each server to show it", func() bool {
			return strings.Contains(p.operate(http.MethodGet, "/admin/cluster", "").body, `"name":"nearby"`)
		})
	}
	tier, header := w.edge.tier(sharpen)
	if tier != "exact" {
		t.Errorf("it got %q", tier)
	}
	followed := 0
	if strings.Contains(core[1].operate(http.MethodGet, "/admin/cluster", "").body, `"follows":true`) {
		followed = 1
	}
	other := core[1-followed]
	other.wants(other.do(http.MethodDelete, other.url+"/v1/cache/entries/"+header.Get("x-parley-cache-entry"), other.key, ""), 200, `"deleted":true`)
	eventually(t, "a drop on the other server to arrive", func() bool { tier, _ := w.edge.tier(sharpen); return tier == "miss" })
	w.keepsSome(t)
	w.edge.asksDuring(t, func() { core[followed].terminate() })
	if forgot := strings.Count(w.edge.log.String(), "what was cached is forgotten"); forgot != 1 {
		t.Errorf("it forgot what was cached %d times, and is to do so when it starts", forgot)
	}
	if tier, header := w.edge.tier(sharpen); tier != "exact" {
		t.Errorf("what was cached got %q %v\n%s", tier, header, w.edge.log)
	}
	core[followed] = start(t, launched[followed])
	core[followed].key = other.key
	eventually(t, "it to follow", core[followed].follows)
	other.kill()
	began := time.Now()
	if status, _, said := w.edge.asks("/v1/chat/completions", chatOf("What is the best way to sharpen an axe?")); status != http.StatusOK {
		t.Errorf("behind the kill: %d %s", status, said)
	}
	t.Logf("the first request behind the kill took %s", time.Since(began))
	w.keepsSome(t) // what just started cannot say what became of the rest
}
