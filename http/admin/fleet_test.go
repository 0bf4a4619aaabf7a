package admin_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// fleet plays the providers. The one that is called q.1-a does not hear.
type fleet struct {
	mu  sync.Mutex
	all map[string]*admin.Provider
}

func (f *fleet) List() (all []admin.Provider) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.all)) {
		all = append(all, *f.all[name])
	}
	return all
}

func (f *fleet) Find(name string) (p admin.Provider, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[name] == nil {
		return admin.Provider{}, false
	}
	return *f.all[name], true
}

func (f *fleet) change(name string, change func(*admin.Provider)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name != "p" {
		return &messages.Failure{Code: messages.CodeOverloaded, What: "it does not hear"}
	}
	change(f.all[name])
	return nil
}

func (f *fleet) Drain(_ context.Context, name string) error {
	return f.change(name, func(p *admin.Provider) { p.Drained = true })
}

func (f *fleet) Resume(_ context.Context, name string) error {
	return f.change(name, func(p *admin.Provider) { p.Drained = false })
}

func (f *fleet) Trip(_ context.Context, name string, length time.Duration) error {
	return f.change(name, func(p *admin.Provider) {
		p.State, p.Reason, p.NextProbe = messages.BreakerOpen, "tripped", time.Time{}
		if length > 0 {
			p.NextProbe = time.Unix(0, 0).Add(length)
		}
	})
}

func (f *fleet) Reset(_ context.Context, name string) error {
	return f.change(name, func(p *admin.Provider) {
		p.State, p.Reason, p.NextProbe = messages.BreakerClosed, "", time.Time{}
	})
}

func (f *fleet) Put(name string, settings []byte) (created bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Contains(string(settings), "fault") {
		return false, &messages.Failure{Code: messages.CodeInvalidRequest, What: "a fault", Param: "fault"}
	}
	created = f.all[name] == nil
	f.all[name] = &admin.Provider{Name: name, Set: true}
	return created, nil
}

func (f *fleet) Delete(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.all[name].Set {
		return &messages.Failure{Code: messages.CodeInvalidRequest, What: "it is from the configuration", Param: "name"}
	}
	delete(f.all, name)
	return nil
}
