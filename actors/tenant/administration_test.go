package tenant_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/parley/actors/tenant"
	"example.com/parley/messages"
)

func TestCreateKeyRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, tt := range map[string]struct {
		spec  tenant.KeySpec
		param string
	}{
		"an unknown tenant":        {tenant.KeySpec{Tenant: "nobody", Role: messages.KeyMember}, "tenant"},
		"a member of no tenant":    {tenant.KeySpec{Role: messages.KeyMember}, "tenant"},
		"an admin of a tenant":     {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyAdmin}, "tenant"},
		"a reader of no tenant":    {tenant.KeySpec{Role: messages.KeyReadOnly}, "tenant"},
		"an admin with scopes":     {tenant.KeySpec{Role: messages.KeyAdmin, Scopes: messages.ScopeChat}, "scopes"},
		"an admin with models":     {tenant.KeySpec{Role: messages.KeyAdmin, Allowance: messages.Allowance{Models: []string{"gpt-*"}}}, "models"},
		"an admin with providers":  {tenant.KeySpec{Role: messages.KeyAdmin, Allowance: messages.Allowance{Providers: []string{"p"}}}, "providers"},
		"a star in the middle":     {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Models: []string{"g*t"}}}, "models"},
		"an empty model":           {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Models: []string{""}}}, "models"},
		"a model of two words":     {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Models: []string{"a b"}}}, "models"},
		"too many models":          {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Models: make([]string, 101)}}, "models"},
		"a provider with a star":   {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Providers: []string{"p*"}}}, "providers"},
		"a provider with a slash":  {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Allowance: messages.Allowance{Providers: []string{"p/m"}}}, "providers"},
		"an unknown class":         {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Class: "soon"}, "class"},
		"no role":                  {tenant.KeySpec{Tenant: w.acme.ID}, "role"},
		"one that has expired":     {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Expires: time.Now().Add(-time.Second)}, "expires"},
		"a name of two lines":      {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Name: "a\nb"}, "name"},
		"a name that goes on":      {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Name: strings.Repeat("a", 101)}, "name"},
		"a name with broken UTF-8": {tenant.KeySpec{Tenant: w.acme.ID, Role: messages.KeyMember, Name: "a\xff"}, "name"},
	} {
		_, _, err := w.admin.CreateKey(t.Context(), tt.spec)
		if f := messages.AsFailure(err); f.Code != messages.CodeInvalidRequest || f.Param != tt.param {
			t.Errorf("%s: got %v about %q", name, f, f.Param)
		}
	}
	if _, err := w.admin.CreateTenant(t.Context(), messages.Tenant{Name: " "}); messages.CodeOf(err) != messages.CodeInvalidRequest {
		t.Errorf("a tenant without a name: %v", err)
	}
}

func TestAdminKeyBelongsToNoTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, secret, err := w.admin.CreateKey(t.Context(), tenant.KeySpec{Role: messages.KeyAdmin, Name: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.keys.Authenticate(t.Context(), secret.Reveal())
	if err != nil || who.Role != messages.KeyAdmin || who.Tenant != "" {
		t.Errorf("got %+v, %v", who, err)
	}
	if keys, err := w.admin.Keys(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Errorf("admin keys: %v, %v", keys, err)
	}
}

func TestRevokeOfNoKeySaysSo(t *testing.T) {
	t.Parallel()
	if err := newWorld(t, nil).admin.RevokeKey(t.Context(), "nobody"); messages.CodeOf(err) != messages.CodeInvalidKey {
		t.Errorf("got %v", err)
	}
}

func isNothing(b tenant.Bootstrap) bool {
	return b.Tenant.ID == "" && b.Key == tenant.Secret{} && b.Admin == tenant.Secret{}
}

func TestBootstrapMakesWhatIsMissingOnce(t *testing.T) {
	t.Parallel()
	s := &store{}
	admin := tenant.NewAdministration(s)
	first, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{})
	if err != nil || first.Tenant.ID == "" || first.Key.Reveal() == "" || first.Admin.Reveal() == "" {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{})
	if err != nil || !isNothing(again) {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	if len(s.tenants) != 1 || len(s.keys) != 2 {
		t.Errorf("%d tenants and %d keys", len(s.tenants), len(s.keys))
	}
}

func TestBootstrapGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	s := &store{}
	admin := tenant.NewAdministration(s)
	if _, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{}); err != nil {
		t.Fatal(err)
	}
	s.keys = s.keys[:1] // it died before the admin key
	made, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{})
	if err != nil || made.Admin == (tenant.Secret{}) || made.Key != (tenant.Secret{}) {
		t.Errorf("got %+v, %v", made, err)
	}
}

func TestBootstrapOpensNothingThatWasClosed(t *testing.T) {
	t.Parallel()
	s := &store{}
	admin := tenant.NewAdministration(s)
	if _, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{}); err != nil {
		t.Fatal(err)
	}
	for _, k := range s.keys {
		if err := admin.RevokeKey(t.Context(), k.ID); err != nil {
			t.Fatal(err)
		}
	}
	if made, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{}); err != nil || !isNothing(made) {
		t.Errorf("got %+v, %v", made, err)
	}
}

// Whoever deleted the first tenant does not want it back with the next start.
func TestBootstrapBringsNoTenantBack(t *testing.T) {
	t.Parallel()
	s := &store{}
	admin := tenant.NewAdministration(s)
	made, err := admin.EnsureBootstrap(t.Context(), tenant.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	s.delete(made.Tenant.ID)
	for _, given := range []tenant.Secret{{}, made.Key} {
		if made, err := admin.EnsureBootstrap(t.Context(), given); err != nil || !isNothing(made) {
			t.Errorf("got %+v, %v", made, err)
		}
	}
	if len(s.tenants) != 0 {
		t.Errorf("%d tenants", len(s.tenants))
	}
}

func TestBootstrapTakesAGivenKey(t *testing.T) {
	t.Parallel()
	given, err := tenant.ParseSecret("pk_first_" + strings.Repeat("s", 32))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil) // with a tenant
	w.key(time.Time{})
	made, err := w.admin.EnsureBootstrap(t.Context(), given)
	if err != nil || made.Key != given || made.Tenant.ID != "" {
		t.Fatalf("got %+v, %v", made, err)
	}
	who, err := w.keys.Authenticate(t.Context(), given.Reveal())
	if err != nil || who.Tenant != w.acme.ID || who.Key != "first" {
		t.Errorf("got %+v, %v", who, err)
	}
	if made, err := w.admin.EnsureBootstrap(t.Context(), given); err != nil || !isNothing(made) {
		t.Errorf("the second time: %+v, %v", made, err)
	}
	if _, _, err := w.admin.RotateKey(t.Context(), "first", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if made, err := w.admin.EnsureBootstrap(t.Context(), given); err != nil || !isNothing(made) {
		t.Errorf("once it was rotated away: %+v, %v", made, err)
	}
	other, _ := tenant.ParseSecret("pk_first_another")
	if _, err := w.admin.EnsureBootstrap(t.Context(), other); messages.CodeOf(err) != messages.CodeInvalidKey {
		t.Errorf("another secret under the same id: %v", err)
	}
}

func TestBootstrapFailsWithTheStore(t *testing.T) {
	t.Parallel()
	s := &store{away: errors.New("connection refused")}
	if _, err := tenant.NewAdministration(s).EnsureBootstrap(t.Context(), tenant.Secret{}); err == nil {
		t.Error("it went on without a store")
	}
}

func TestConfigFaultsNameTheKey(t *testing.T) {
	t.Parallel()
	if err := tenant.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default has faults: %v", err)
	}
	err := tenant.Config{Refresh: time.Minute, OutageGrace: -1, MaxTries: -1}.Validate()
	for _, key := range []string{"keys.refresh is 1m0s", "keys.outage_grace", "keys.load_timeout is 0s", "keys.max_loads is 0", "keys.max_tries is -1"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
	if _, err := tenant.New(tenant.Config{}, tenant.Deps{}); err == nil {
		t.Error("a configuration with faults was taken")
	}
}
