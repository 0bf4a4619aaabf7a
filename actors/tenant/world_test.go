package tenant_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"example.com/parley/actors/actortest"
	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is one in memory that can be slow or away.
type store struct {
	mu      sync.Mutex
	tenants []messages.Tenant
	keys    []messages.APIKey
	version uint64
	away    error
	slow    time.Duration
	asked   int // for keys
	panics  bool

	marked [][]messages.KeyUse // batch by batch
	gone   []messages.TenantID
}

// enter takes the lock, after the time that the store takes.
func (s *store) enter(ctx context.Context) error {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	if s.panics {
		s.mu.Unlock()
		panic("the driver's fault")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.away
}

func (s *store) find(id messages.KeyID) *messages.APIKey {
	at := slices.IndexFunc(s.keys, func(k messages.APIKey) bool { return k.ID == id })
	if at < 0 {
		return nil
	}
	return &s.keys[at]
}

func (s *store) Key(ctx context.Context, id messages.KeyID) (messages.APIKey, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	s.asked++
	if err != nil {
		return messages.APIKey{}, err
	}
	if k := s.find(id); k != nil {
		found := *k
		if at := s.tenant(k.Tenant); at >= 0 {
			found.MayRoute, found.Disabled, found.TenantAllowance = s.tenants[at].MayRoute, !s.tenants[at].Disabled.IsZero(), s.tenants[at].Allowance
		}
		return found, nil
	}
	return messages.APIKey{}, noSuchKey()
}

func noSuchKey() error {
	return &messages.Failure{Code: messages.CodeInvalidKey, What: "no such key"}
}

// tenant is the place of a tenant; below 0 for none.
func (s *store) tenant(id messages.TenantID) int {
	return slices.IndexFunc(s.tenants, func(t messages.Tenant) bool { return t.ID == id })
}

// edit changes a key.
func (s *store) edit(ctx context.Context, id messages.KeyID, change func(*messages.APIKey)) (messages.APIKey, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	k := s.find(id)
	if err == nil && k == nil {
		err = noSuchKey()
	}
	if err != nil {
		return messages.APIKey{}, err
	}
	change(k)
	s.version++
	return *k, nil
}

func (s *store) ChangeKey(ctx context.Context, id messages.KeyID, change messages.KeyChange) (messages.APIKey, error) {
	return s.edit(ctx, id, func(k *messages.APIKey) { *k = change.Apply(*k, time.Now()) })
}

func (s *store) RotateKey(ctx context.Context, id messages.KeyID, r messages.KeyRotation) (messages.APIKey, error) {
	return s.edit(ctx, id, func(k *messages.APIKey) { k.OldHash, k.OldExpires, k.Hash = k.Hash, r.OldExpires, r.Hash })
}

func (s *store) MarkUsed(ctx context.Context, uses []messages.KeyUse) error {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	if err == nil {
		s.marked = append(s.marked, uses)
	}
	return err
}

func (s *store) Tenant(ctx context.Context, id messages.TenantID) (messages.Tenant, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	at := s.tenant(id)
	if err == nil && at < 0 {
		err = &messages.Failure{Code: messages.CodeItemAbsent, What: "no such tenant"}
	}
	if err != nil {
		return messages.Tenant{}, err
	}
	return s.tenants[at], nil
}

// delete has a tenant gone, as another server's eraser would.
func (s *store) delete(id messages.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants = slices.DeleteFunc(s.tenants, func(t messages.Tenant) bool { return t.ID == id })
	s.gone = append(s.gone, id)
	for i := range s.keys {
		if s.keys[i].Tenant == id {
			s.keys[i].Revoked = time.Now()
		}
	}
	s.version++
}

func (s *store) KeysVersion(ctx context.Context) (uint64, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	return s.version, err
}

func (s *store) CreateKey(ctx context.Context, key messages.APIKey) error {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	if err == nil {
		s.keys = append(s.keys, key)
		s.version++
	}
	return err
}

func (s *store) Keys(ctx context.Context, id messages.TenantID) (found []messages.APIKey, err error) {
	err = s.enter(ctx)
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.Tenant == id {
			found = append(found, k)
		}
	}
	return found, err
}

func (s *store) RevokeKey(ctx context.Context, id messages.KeyID, at time.Time) error {
	_, err := s.edit(ctx, id, func(k *messages.APIKey) { k.Revoked = at })
	return err
}

func (s *store) CreateTenant(ctx context.Context, t messages.Tenant) error {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	if err == nil && slices.Contains(s.gone, t.ID) {
		err = &messages.Failure{Code: messages.CodeInvalidRequest, What: "there is such a tenant already"}
	}
	if err == nil {
		s.tenants = append(s.tenants, t)
	}
	return err
}

func (s *store) ChangeTenant(ctx context.Context, id messages.TenantID, change messages.TenantChange) (messages.Tenant, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	at := s.tenant(id)
	if err == nil && at < 0 {
		err = &messages.Failure{Code: messages.CodeItemAbsent, What: "no such tenant"}
	}
	if err != nil {
		return messages.Tenant{}, err
	}
	s.tenants[at] = change.Apply(s.tenants[at], time.Now())
	s.version++
	return s.tenants[at], nil
}

func (s *store) Tenants(ctx context.Context) ([]messages.Tenant, error) {
	err := s.enter(ctx)
	defer s.mu.Unlock()
	return slices.Clone(s.tenants), err
}

// set changes how the store behaves.
func (s *store) set(change func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *store) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// world is keys with their actor over a store with one tenant.
type world struct {
	t     testing.TB
	store *store
	keys  *tenant.Keys
	admin *tenant.Administration
	acme  messages.Tenant
}

func newWorld(tb testing.TB, change func(*tenant.Config)) *world {
	tb.Helper()
	cfg := tenant.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	w := &world{t: tb, store: &store{}}
	w.admin = tenant.NewAdministration(w.store)
	var err error
	if w.acme, err = w.admin.CreateTenant(context.Background(), messages.Tenant{Name: "Acme"}); err != nil {
		tb.Fatal(err)
	}
	if w.keys, err = tenant.New(cfg, tenant.Deps{Store: w.store, Registerer: prometheus.NewRegistry()}); err != nil {
		tb.Fatal(err)
	}
	actortest.Spawn(tb, actortest.NewSystem(tb), w.keys.Props())
	return w
}

// key makes a key of the tenant.
func (w *world) key(expires time.Time) (messages.APIKey, string) {
	w.t.Helper()
	key, secret, err := w.admin.CreateKey(context.Background(), tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Name: "test", Expires: expires})
	if err != nil {
		w.t.Fatal(err)
	}
	return key, secret.Reveal()
}

// code is what a presented key comes to; empty where it opens.
func (w *world) code(presented string) messages.Code {
	_, err := w.keys.Authenticate(context.Background(), presented)
	return messages.CodeOf(err)
}

func newRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

// spawn gives keys their actor.
func spawn(tb testing.TB, keys *tenant.Keys) {
	tb.Helper()
	actortest.Spawn(tb, actortest.NewSystem(tb), keys.Props())
}

// recording brings uses to the store until stop is called.
func recording(tb testing.TB, keys *tenant.Keys) (ended <-chan error, stop context.CancelFunc) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- keys.RecordUses(ctx) }()
	return done, stop
}
