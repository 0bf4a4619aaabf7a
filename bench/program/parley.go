package program

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Parley is the server as benchmarks start it. Set the fields before the first
// Spec.
type Parley struct {
	File    string // the binary
	Address string // host:port that clients use
	Admin   string // host:port of the operators' listener
	Key     string // of the first tenant
	Data    string // its folder, which need not exist
	Config  string // YAML; what it leaves out is as it comes
	Env     []string
	Cores   []int // that it may run on; none leaves it free

	Through []string // words that it is started by, as in Spec
}

// NewParley returns a server that is to run from file at free addresses, with a
// key of its own.
func NewParley(file, data string) (*Parley, error) {
	p := &Parley{File: file, Data: data}
	for _, address := range []*string{&p.Address, &p.Admin} {
		var err error
		if *address, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	p.Key = "pk_bench_" + hex.EncodeToString(secret)
	return p, nil
}

// Ready is the address that answers with 200 once the server takes requests.
func (p *Parley) Ready() string { return "http://" + p.Address + "/readyz" }

// Spec writes the configuration beside the data, and says how the server is
// started: without a cache, unless Env says otherwise, since loads ask the same
// again and again.
func (p *Parley) Spec() (Spec, error) {
	file := p.Data + ".yaml"
	if err := os.WriteFile(file, []byte(p.Config), 0o600); err != nil {
		return Spec{}, fmt.Errorf("write the server's configuration: %w", err)
	}
	return Spec{
		Path:  p.File,
		Args:  []string{"serve", "--listen", p.Address, "--admin-listen", p.Admin, "--data", p.Data, "--config", file},
		Env:   append([]string{"PARLEY_BOOTSTRAP_KEY=" + p.Key, "PARLEY_CACHE_ENABLED=false"}, p.Env...),
		Cores: p.Cores, Through: p.Through,
	}, nil
}

// StartFresh starts a server that remembers nothing of an earlier one: its data is
// put in a new folder below folder. It goes on as Start does.
func (p *Parley) StartFresh(ctx context.Context, folder string, within time.Duration) (*Process, error) {
	own, err := os.MkdirTemp(folder, "server-")
	if err != nil {
		return nil, fmt.Errorf("make the server's folder: %w", err)
	}
	p.Data = filepath.Join(own, "data")
	return p.Start(ctx, folder, within)
}

// Start starts the server on the data that there is, with its log in folder. It
// returns once the server is ready, which it may take as long as within for.
func (p *Parley) Start(ctx context.Context, folder string, within time.Duration) (*Process, error) {
	spec, err := p.Spec()
	if err != nil {
		return nil, err
	}
	return StartLogged(ctx, spec, folder, p.Ready(), within)
}

// StartLogged starts a program whose output goes to a file of its name in folder,
// and waits until url answers with 200, for as long as within.
func StartLogged(ctx context.Context, s Spec, folder, url string, within time.Duration) (*Process, error) {
	process, err := startLogged(s, folder)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := process.AwaitReady(ctx, url); err != nil {
		process.Kill()
		return nil, err
	}
	return process, nil
}

func startLogged(s Spec, folder string) (*Process, error) {
	log, err := os.OpenFile(LogOf(folder, s.Path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the program has its own
	s.Output = log
	return Start(s)
}

// LogOf is where StartLogged sends what a program prints.
func LogOf(folder, path string) string { return filepath.Join(folder, filepath.Base(path)+".log") }

// Tail returns the end of a log, for a person who wonders why something does not
// work.
func Tail(file string) string {
	const enough = 2 << 10 // bytes
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-enough):])
}
