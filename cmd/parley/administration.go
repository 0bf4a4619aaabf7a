package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"example.com/parley/actors/admission"
	"example.com/parley/actors/budget"
	"example.com/parley/actors/tenant"
	"example.com/parley/cluster"
	parleyhttp "example.com/parley/http"
	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// administration is what commands ask for: of the running server, through its
// admin listener, or of the store itself where no server runs.
type administration interface {
	admin.Administration
	admin.Budgets
	admin.Limits
	parleyhttp.Usage
	admin.Prices
	admin.Erasures
	admin.Retentions
	admin.Cluster
	AuditEntries(ctx context.Context, p messages.AuditPage) (found []messages.AuditEntry, more bool, err error)
}

// inStore works on the store itself. The admin listener does so too.
type inStore struct {
	*tenant.Administration
	*tenant.PriceAdministration
	*tenant.RetentionAdministration
	*tenant.LimitAdministration
	*tenant.Eraser
	admin.Budgets
	parleyhttp.Usage
	admin.Audit
	shared bool                       // replies are cached where only a server finds them
	nodes  cluster.Registry           // nil where servers share nothing
	member messages.MemberID          // of this server; empty where it is alone
	edges  func() []messages.EdgeNode // nil where no server runs
}

func administrationOf(cfg *Config, s store, prices *tenant.Prices) inStore {
	return inStore{
		Administration: tenant.NewAdministration(s), PriceAdministration: tenant.NewPriceAdministration(s, prices),
		RetentionAdministration: tenant.NewRetentionAdministration(s), Eraser: tenant.NewEraser(s, nil, slog.New(slog.DiscardHandler)),
		LimitAdministration: tenant.NewLimitAdministration(s, cfg.Limits, cfg.Admission.Weights, admission.MostWeight),
		Budgets:             budget.NewAdministration(s),
		Usage:               s, Audit: s,
	}
}

// CreateKey implements admin.Administration.
func (s inStore) CreateKey(ctx context.Context, wanted messages.APIKey) (created messages.APIKey, whole string, err error) {
	created, secret, err := s.Administration.CreateKey(ctx, tenant.KeySpec{
		Tenant: wanted.Tenant, Role: wanted.Role, Name: wanted.Name, Expires: wanted.Expires, Scopes: wanted.Scopes, Allowance: wanted.Allowance, Class: wanted.Class,
	})
	return created, secret.Reveal(), err
}

// RotateKey implements admin.Administration.
func (s inStore) RotateKey(ctx context.Context, id messages.KeyID, oldExpires time.Time) (key messages.APIKey, whole string, err error) {
	key, secret, err := s.Administration.RotateKey(ctx, id, oldExpires)
	return key, secret.Reveal(), err
}

// Erase implements admin.Erasures.
func (s inStore) Erase(ctx context.Context, of messages.TenantID, user string) (messages.Erasure, error) {
	if s.shared {
		return messages.Erasure{}, &messages.Failure{
			Code: messages.CodeInvalidRequest, What: "replies of this tenant are cached in Redis, which only a server can empty",
			Do: "start the server, and run the command again",
		}
	}
	return s.Eraser.Erase(ctx, of, user)
}

// adminFlags say which server a command is for.
type adminFlags struct {
	*configFlags
	server, key *string
	// creates is set for commands that make sense before there is any data.
	creates bool
}

func addAdminFlags(c *cobra.Command) adminFlags {
	f := adminFlags{configFlags: addConfigFlags(c)}
	f.server = f.set.String("server", "", "talk to the admin listener at `ADDR` instead of looking for a server in the data folder")
	f.key = f.set.String("admin-key", "", "show this `KEY` to the server (default PARLEY_ADMIN_KEY, else the data folder's admin-key)")
	return f
}

// commandTimeout bounds a command that talks to a server or a store.
const commandTimeout = time.Minute

// do calls task with the administration that the flags name.
func (f adminFlags) do(ctx context.Context, w world, task func(context.Context, administration) error) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cfg, _, err := f.load(w)
	if err != nil {
		return err
	}
	data := folder(cfg.Data)
	if *f.server != "" {
		return f.remotely(ctx, w, data, *f.server, task)
	}
	if err := f.openData(w, data, cfg.Store.usesPostgres()); err != nil {
		return err
	}
	release, err := data.lock()
	if errors.Is(err, errInUse) {
		running, err := data.present()
		if err != nil {
			return startingUp(err)
		}
		return f.remotely(ctx, w, data, running.Admin, task)
	}
	if err != nil {
		return err
	}
	defer release()
	return inFolder(ctx, cfg, task)
}

// openData sees to it that there is a data folder. To make one is what only some
// commands are for: any other was started in the wrong place.
func (f adminFlags) openData(w world, data folder, elsewhere bool) error {
	if data.exists() {
		return nil
	}
	if !f.creates && !elsewhere {
		return &messages.Failure{
			Code: messages.CodeStoreUnavailable, What: fmt.Sprintf("there is no data folder %s", data),
			Do: "name the one that the server uses, with --data or PARLEY_DATA",
		}
	}
	if !elsewhere {
		_, _ = fmt.Fprintf(w.err, "made the data folder %s\n", data)
	}
	return data.make()
}

// inFolder opens the store, which no server uses, for one task.
func inFolder(ctx context.Context, cfg *Config, task func(context.Context, administration) error) error {
	s, err := openStore(ctx, cfg.Store, "", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer s.Close()
	prices, err := tenant.NewPrices(cfg.Prices)
	if err != nil {
		return err
	}
	meeting, err := openRegistry(cfg.Cluster, s)
	if err != nil {
		return err
	}
	defer meeting.close()
	work := administrationOf(cfg, s, prices)
	work.nodes = meeting.Registry
	work.shared = cfg.Redis.URL != "" && cfg.Cache.Enabled
	return task(atTheStore(ctx), work)
}

// remotely asks the server at an address.
func (f adminFlags) remotely(ctx context.Context, w world, data folder, address string, task func(context.Context, administration) error) error {
	key, err := f.adminKey(w, data)
	if err != nil {
		return err
	}
	remote := newRemote(address, key)
	defer remote.close()
	return task(ctx, remote)
}

// adminKey is what the server is shown.
func (f adminFlags) adminKey(w world, data folder) (string, error) {
	if *f.key != "" {
		return *f.key, nil
	}
	key, err := secretVariable(w.environment, adminKeyVariable)
	if key != "" || err != nil {
		return key, err
	}
	key, err = data.kept(adminKeyFile)
	if key == "" && err == nil {
		err = &messages.Failure{
			Code: messages.CodeInvalidKey, What: fmt.Sprintf("a server runs, and there is no admin key for it in %s", data.file(adminKeyFile)),
			Do: "give one with --admin-key or PARLEY_ADMIN_KEY; without any, stop the server and run: parley key create --admin",
		}
	}
	return key, err
}

func startingUp(err error) error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "another process uses the data folder, and does not say where it listens",
		Do: "wait for it to start or to end, and try again", Cause: err,
	}
}
