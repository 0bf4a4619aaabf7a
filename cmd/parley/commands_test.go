package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/parley/http/admin"
)

// Commands do the same with a running server, which they ask, and without one,
// where they open the store.
func TestCommandsWorkWithAndWithoutAServer(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"asking the server": true, "in the store": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, launch{})
			if !running {
				p.terminate()
			}
			testCommands(t, p.data)
		})
	}
}

var wholeKey = regexp.MustCompile(`^pk_[0-9a-f]+_[0-9a-f]{64}$`)

func testCommands(t *testing.T, data string) {
	t.Helper()
	parley := func(arguments ...string) string {
		t.Helper()
		out, err := runBinary(t, nil, append(arguments, "--data", data)...)
		if err != nil {
			t.Fatalf("parley %s: %v", strings.Join(arguments, " "), err)
		}
		return strings.TrimSpace(out)
	}
	refused := func(want string, arguments ...string) {
		t.Helper()
		_, err := runBinary(t, nil, append(arguments, "--data", data)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parley %s: %v, want %s", strings.Join(arguments, " "), err, want)
		}
	}

	tenant := parley("tenant", "create", "research")
	if tenants := parley("tenant", "list"); !strings.Contains(tenants, tenant) || !strings.Contains(tenants, "research") {
		t.Errorf("the tenants are\n%s", tenants)
	}
	if changed := parley("tenant", "change", "research", "--may-route"); !strings.Contains(changed, "yes") {
		t.Errorf("the tenant became\n%s", changed)
	}
	if changed := parley("tenant", "change", tenant, "--may-route=false"); !strings.Contains(changed, "no") {
		t.Errorf("the tenant became\n%s", changed)
	}
	var routing listJSON[tenantJSON]
	router := parley("tenant", "create", "routers", "--may-route")
	if err := json.Unmarshal([]byte(parley("tenant", "list", "--json")), &routing); err != nil || len(routing.Data) != 3 || !routing.Data[2].MayRoute || string(routing.Data[2].ID) != router {
		t.Errorf("the tenants are %+v (%v)", routing, err)
	}
	refused(`there is no tenant "nobody"`, "tenant", "change", "nobody", "--may-route")
	refused("there is more than one tenant", "key", "create")
	refused(`there is no tenant "marketing"`, "key", "create", "--tenant", "marketing")
	refused("--expires is \"soon\"", "key", "create", "--tenant", "research", "--expires", "soon")
	refused("an admin key belongs to no tenant", "key", "create", "--tenant", tenant, "--admin")

	whole := parley("key", "create", "--tenant", "research", "--name", "laptop", "--expires", "90d")
	if !wholeKey.MatchString(whole) {
		t.Fatalf("the key is %q", whole)
	}
	id := string(keyID(whole))
	if listed := parley("key", "list", "--tenant", tenant); !strings.Contains(listed, id) || !strings.Contains(listed, "laptop") || strings.Contains(listed, whole) {
		t.Errorf("the keys are\n%s", listed)
	}
	var list listJSON[keyJSON]
	if err := json.Unmarshal([]byte(parley("key", "list", "--json")), &list); err != nil || len(list.Data) != 3 {
		t.Errorf("all keys are %+v (%v), want the two first ones and the new one", list, err)
	}
	if changed := parley("key", "change", id, "--scopes", "chat,usage", "--models", "gpt-*", "--role", "read-only", "--expires", "never"); !strings.Contains(changed, "chat,usage") || !strings.Contains(changed, "read-only") || !strings.Contains(changed, "gpt-*") {
		t.Errorf("the key became\n%s", changed)
	}
	refused("there is no scope", "key", "change", id, "--scopes", "chats")
	rotated := parley("key", "rotate", id, "--overlap", "1h")
	if !wholeKey.MatchString(rotated) || rotated == whole || string(keyID(rotated)) != id {
		t.Errorf("the key was rotated to %q", rotated)
	}
	refused("two secrets that open", "key", "rotate", id)
	if ended := parley("key", "change", id, "--end-old", "--models", ""); strings.Contains(ended, "old secret") || strings.Contains(ended, "gpt-*") {
		t.Errorf("the key became\n%s", ended)
	}
	if changed := parley("tenant", "change", "research", "--disabled", "--name", "science", "--providers", "simulated"); !strings.Contains(changed, "disabled 2") || !strings.Contains(changed, "science") || !strings.Contains(changed, "simulated") {
		t.Errorf("the tenant became\n%s", changed)
	}
	parley("tenant", "change", "science", "--disabled=false", "--name", "research")
	refused("with --yes", "tenant", "delete", "routers")
	if deleted := parley("tenant", "delete", "routers", "--yes"); !strings.Contains(deleted, router+" is deleted, and its content erased") {
		t.Errorf("the tenant: %s", deleted)
	}
	refused(`there is no tenant "routers"`, "tenant", "change", "routers")
	if got := parley("key", "revoke", whole); got != id+" is revoked" {
		t.Errorf("revoked: %s", got)
	}
	refused("there is no key with this id", "key", "revoke", "nobody")
	if listed := parley("key", "list", "--tenant", tenant); !strings.Contains(listed, "revoked") {
		t.Errorf("after the revocation the keys are\n%s", listed)
	}
	var audited listJSON[auditJSON]
	if err := json.Unmarshal([]byte(parley("audit", "--json", "--tenant", "research")), &audited); err != nil || len(audited.Data) != 10 {
		t.Errorf("what was done to the tenant is %+v (%v)", audited, err)
	} else if e := audited.Data[0]; e.Action != "key.revoke" || e.Subject != id || e.Actor.Name == "" || !strings.Contains(string(e.After), "revoked") {
		t.Errorf("the last was %+v", e)
	}
	if listed := parley("audit", "--limit", "1", "--action", "key.create"); !strings.Contains(listed, id) || !strings.Contains(listed, "--after ") || strings.Contains(listed, whole) {
		t.Errorf("the audit log is\n%s", listed)
	}
	refused("no page of the audit log", "audit", "--limit", "0")
	if set := parley("price", "set", "acme/fast*", "--input", "1.25", "--output", "$10", "--source", "our contract"); !strings.Contains(set, "acme/fast*") || !strings.Contains(set, "$1.25  $1.25   $1.25        $10     operator  our contract") {
		t.Errorf("the price is\n%s", set)
	}
	parley("price", "set", "m", "--input", "1", "--output", "2", "--from", "2100-01-31")
	if all := parley("price", "list", "m", "--all"); !strings.Contains(all, "2100-01-31 00:00:00") {
		t.Errorf("what was planned is not there:\n%s", all)
	}
	parley("price", "remove", "m", "--from", "2100-01-31")
	if all := parley("price", "list", "--all"); strings.Contains(all, "2100-01-31") || !strings.Contains(all, "gpt-4o-mini") || !strings.Contains(all, "$40     table") {
		t.Errorf("all prices are\n%s", all)
	}
	var prices listJSON[admin.Price]
	if err := json.Unmarshal([]byte(parley("price", "list", "o3", "--json")), &prices); err != nil || len(prices.Data) != 1 || prices.Data[0].Input != 2e6 || !prices.Data[0].InForce {
		t.Errorf("the price of o3 is %+v (%v)", prices.Data, err)
	}
	refused("--input is \"dear\"", "price", "set", "m", "--input", "dear", "--output", "1")
	refused("--output is \"0.0000001\"", "price", "set", "m", "--input", "1", "--output", "0.0000001")
	refused("that moment has passed", "price", "set", "m", "--input", "1", "--output", "1", "--from", "2020-01-31")
	refused("no operator has set a price of gpt-4o", "price", "remove", "gpt-4o")
	if used := parley("usage", "--from", "30d", "--by", "day,key"); !strings.Contains(used, "DAY    KEY  ATTEMPTS") {
		t.Errorf("the usage by day is\n%s", used)
	}
	refused(`there is no group "colour"`, "usage", "--by", "colour")
	if used := parley("usage", "--by", "cache_tier", "--csv"); !strings.HasPrefix(used, "cache_tier,attempts,") {
		t.Errorf("as a table the usage is\n%s", used)
	}
	if used := parley("usage", "--from", "30d"); !strings.Contains(used, "total") {
		t.Errorf("the usage is\n%s", used)
	}
}

func TestRevokedKeyDiesWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	if answer := p.ask(p.key, hello); answer.status != http.StatusOK {
		t.Fatalf("before: %d %s", answer.status, answer.body)
	}
	if _, err := runBinary(t, nil, "key", "revoke", string(keyID(p.key)), "--data", p.data); err != nil {
		t.Fatal(err)
	}
	const bound = 5 * time.Second
	revoked := time.Now()
	eventually(t, "the key to be refused", func() bool { return p.ask(p.key, hello).status == http.StatusUnauthorized })
	if took := time.Since(revoked); took > bound {
		t.Errorf("the key died after %s, want %s at most", took, bound)
	}
	p.terminate()
	p = start(t, launch{data: p.data})
	if strings.Contains(p.said, "curl") || !strings.Contains(p.said, "another one: parley key create") {
		t.Errorf("the next start offers the revoked key:\n%s", p.said)
	}
}

func TestUsageIsCountedForEachTenant(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	p.ask(p.key, hello)
	p.post("/v1/responses", p.key, `{"model":"simulated/kept","input":"Hello!"}`)
	var list listJSON[usageJSON]
	eventually(t, "the rows to be in the store", func() bool {
		out, err := runBinary(t, nil, "usage", "--data", p.data, "--json", "--tenant", "tenant_first")
		return err == nil && json.Unmarshal([]byte(out), &list) == nil && len(list.Data) == 2
	})
	for i, model := range []string{"kept", "x"} {
		if u := list.Data[i]; u.Provider != "simulated" || u.Model != model || u.Attempts != 1 || u.Output == 0 || u.Cost != 0 || u.Unpriced != 0 {
			t.Errorf("line %d is %+v", i+1, u)
		}
	}
	if out, err := runBinary(t, nil, "usage", "--data", p.data, "--to", "1d"); err != nil || strings.Contains(out, "simulated") {
		t.Errorf("before yesterday: %v\n%s", err, out)
	}
}

func TestBackupOfARunningServerIsRestored(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	kept := p.post("/v1/responses", p.key, `{"model":"simulated/x","input":"Hello!"}`)
	backup, other := filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "other")
	if _, err := runBinary(t, nil, "backup", backup, "--data", p.data); err != nil {
		t.Fatal(err)
	}
	if _, err := runBinary(t, nil, "restore", backup, "--data", p.data); err == nil || !strings.Contains(err.Error(), "serves the data folder") {
		t.Errorf("restored under a running server: %v", err)
	}
	if _, err := runBinary(t, nil, "restore", backup, "--data", other); err != nil {
		t.Fatal(err)
	}
	restored := start(t, launch{data: other})
	if answer := restored.get("/v1/responses/"+kept.id(t), p.key); answer.status != http.StatusOK {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

func TestServerThatRefusesTheAdminKeySaysSo(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	if _, err := runBinary(t, nil, "tenant", "list", "--data", p.data, "--admin-key", p.key); err == nil || !strings.Contains(err.Error(), "opens nothing here") {
		t.Errorf("with a tenant's key: %v", err)
	}
	if _, err := runBinary(t, []string{"PARLEY_ADMIN_KEY=pk_x_y"}, "tenant", "list", "--data", p.data); err == nil || !strings.Contains(err.Error(), "the key is not valid") {
		t.Errorf("with a wrong key: %v", err)
	}
	admin := readFile(t, p.data+"/admin-key")
	if _, err := runBinary(t, nil, "tenant", "list", "--data", t.TempDir(), "--server", p.admin, "--admin-key", admin); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if _, err := runBinary(t, nil, "tenant", "list", "--server", "127.0.0.1:1", "--admin-key", admin, "--data", p.data); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("to nobody: %v", err)
	}
}

func TestCommandsBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for _, arguments := range []string{"tenant list", "key list", "usage", "key revoke x"} {
		status, _, err := carryOut(nil, append(strings.Fields(arguments), "--data", data)...)
		if status != 1 || !strings.Contains(err, "there is no data folder "+data) {
			t.Errorf("parley %s: status %d: %s", arguments, status, err)
		}
	}
	status, tenant, remark := carryOut(nil, "tenant", "create", "research", "--data", data)
	if status != 0 || remark != "made the data folder "+data+"\n" {
		t.Fatalf("status %d: %s", status, remark)
	}
	if status, key, err := carryOut(nil, "key", "create", "--data", data); status != 0 || !wholeKey.MatchString(strings.TrimSpace(key)) {
		t.Errorf("status %d: %s", status, err)
	}
	if status, listed, err := carryOut(nil, "tenant", "list", "--data", data); status != 0 || !strings.Contains(listed, strings.TrimSpace(tenant)) {
		t.Errorf("status %d: %s\n%s", status, err, listed)
	}
}
