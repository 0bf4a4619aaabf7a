package main

import (
	"context"
	"errors"

	"example.com/parley/actors/tenant"
)

// first is what the first steps with a server need.
type first struct {
	made tenant.Bootstrap // on this start; zero where it was there before
	key  tenant.Secret    // of the first tenant, as far as it is known
	from string           // what a shell writes for it; empty for the key itself
}

// firstStart sees to it that there is a tenant with a key, and an admin key. The
// ones that were made up are kept in the data folder, where their owner finds
// them; one from the environment is not, since whoever set it has it.
func firstStart(ctx context.Context, a inStore, data folder, environment []string) (f first, err error) {
	presented, err := secretVariable(environment, bootstrapVariable)
	if err != nil {
		return first{}, err
	}
	var given tenant.Secret
	if presented != "" {
		if given, err = tenant.ParseSecret(presented); err != nil {
			return first{}, errorsAt(bootstrapVariable, err)
		}
	}
	if f.made, err = a.EnsureBootstrap(ctx, given); err != nil {
		return first{}, err
	}
	if presented != "" {
		f.key, f.from = given, "$"+bootstrapVariable
		return f, keepMade(data, adminKeyFile, f.made.Admin)
	}
	if err := errors.Join(keepMade(data, firstKeyFile, f.made.Key), keepMade(data, adminKeyFile, f.made.Admin)); err != nil {
		return first{}, err
	}
	if f.key = f.made.Key; f.key != (tenant.Secret{}) {
		return f, nil
	}
	f.from = "$(cat " + shellQuote(data.file(firstKeyFile)) + ")"
	remembered, err := data.kept(firstKeyFile)
	if err == nil && remembered != "" {
		f.key, _ = tenant.ParseSecret(remembered) // what somebody else wrote there is no key
	}
	return f, err
}

func keepMade(data folder, name string, made tenant.Secret) error {
	if made == (tenant.Secret{}) {
		return nil
	}
	return data.keep(name, made.Reveal())
}
