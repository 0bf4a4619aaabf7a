package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"example.com/parley/actors"
	"example.com/parley/actors/provider"
	"example.com/parley/actors/router"
	"example.com/parley/cmd/parley/settings"
	"example.com/parley/messages"
)

// Put implements admin.Providers. What it sets is whole: nothing is taken over
// from the provider that had the name, least of all its key.
func (o *operated) Put(name string, body []byte) (created bool, err error) {
	wanted, err := readProvider(body)
	if err != nil {
		return false, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.current[name]
	if err := o.install(name, wanted, o.cfg.ProvidersAdmin.AllowLocal); err != nil {
		return false, err
	}
	o.set[name] = true
	return !known, nil
}

// Delete implements admin.Providers.
func (o *operated) Delete(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.set[name] {
		return &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("the provider %q is in the configuration", name),
			Do: "drain it, or take it out of the configuration and start the server again", Param: "name",
		}
	}
	if configured, found := o.configured[name]; found {
		if err := o.install(name, configured, true); err != nil {
			return err
		}
	} else if err := o.remove(name); err != nil {
		return err
	}
	delete(o.set, name)
	return nil
}

// takeOver goes by another configuration, whose faults were looked for. What
// operators set stays as they did. Providers come before the names that stand for
// them and go behind, so that no request finds one missing.
func (o *operated) takeOver(next *Config) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(next.Providers)) {
		wanted := next.Providers[name]
		if before, known := o.configured[name]; o.set[name] || known && reflect.DeepEqual(before, wanted) {
			continue
		}
		if err := o.install(name, wanted, true); err != nil {
			return err
		}
	}
	if err := next.Models.Validate(routed(o.current)); err != nil {
		return err
	}
	before := o.configured
	o.configured, o.names = next.Providers, next.Models
	faults := []error{o.router.Reload(o.names, routed(o.current))}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := next.Providers[name]; !stays && !o.set[name] {
			faults = append(faults, o.remove(name))
		}
	}
	return errors.Join(faults...)
}

// install has a provider take its place, once it is sure that it can. o.mu is
// held.
func (o *operated) install(name string, wanted provider.Settings, local bool) error {
	next := maps.Clone(o.current)
	next[name] = wanted
	next = next.Complete()
	alone := provider.Config{name: next[name]}
	err := errors.Join(alone.Validate(), ownAddress(alone, o.cfg.HTTP.Listen))
	if err == nil {
		err = o.names.Validate(routed(next))
	}
	if err != nil {
		return faulty(err)
	}
	h, err := o.providers.Prepare(name, wanted, router.KnownModels(o.names, routed(next))[name], local)
	if err != nil {
		return faulty(err)
	}
	o.number++
	part := actors.ProviderPart(h, o.number)
	if err := o.tree.Add(part); err != nil {
		h.Close()
		return err
	}
	o.retire(name, o.providers.Put(h))
	o.parts[name], o.current = part.Name, next
	return o.router.Reload(o.names, routed(next))
}

// remove takes a provider away, once no route leads there. o.mu is held.
func (o *operated) remove(name string) error {
	next := maps.Clone(o.current)
	delete(next, name)
	if err := o.router.Reload(o.names, routed(next)); err != nil {
		return err
	}
	o.current = next
	o.retire(name, o.providers.Remove(name))
	return nil
}

// retire ends the provider that had the place. o.mu is held.
func (o *operated) retire(name string, old *provider.Handle) {
	if old != nil {
		old.Close()
		o.tree.Retire(o.parts[name])
		delete(o.parts, name)
	}
}

// readProvider reads settings as the configuration writes them. A key that names
// a file is none of a request's business: it would have the server read it, and
// send it where the request wants.
func readProvider(body []byte) (s provider.Settings, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return s, &messages.Failure{
			Code: messages.CodeInvalidJSON, What: "the body is no JSON object",
			Do: `give the provider's settings, such as {"base_url": "https://api.example.com/v1", "api_key": "..."}`,
		}
	}
	for member := range members {
		if strings.HasSuffix(member, "_file") {
			return s, &messages.Failure{
				Code: messages.CodeInvalidRequest, What: member + " names a file, which a request must not",
				Do: "give the key itself; authorities to trust are for the configuration alone", Param: member,
			}
		}
	}
	var wanted struct {
		Provider provider.Settings `koanf:"provider"`
	}
	err = settings.Load(&wanted, settings.Sources{
		Flags: []settings.Flag{{Name: "the body", Key: "provider", Value: string(body)}},
	}).Report(nil)
	if err != nil {
		return s, faulty(err)
	}
	return wanted.Provider, nil
}

// faulty says what is wrong with settings, unless somebody has said it already.
func faulty(err error) error {
	if _, said := errors.AsType[*messages.Failure](err); said {
		return err
	}
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: strings.ReplaceAll(err.Error(), "\n", "; "),
		Do: "docs/configuration.md lists what a provider takes", NoRetry: true,
	}
}
