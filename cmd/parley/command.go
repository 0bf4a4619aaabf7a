package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/parley/cmd/parley/settings"
	"example.com/parley/messages"
)

// world is what a command sees around it.
type world struct {
	arguments   []string
	environment []string
	out, err    io.Writer
}

// run carries out the command that the arguments name, and returns the exit
// status.
func run(ctx context.Context, w world) int {
	root := rootCommand(w) //nolint:contextcheck // cobra hands the commands theirs
	root.SetArgs(w.arguments)
	root.SetOut(w.out)
	root.SetErr(w.err)
	if err := root.ExecuteContext(ctx); err != nil {
		showError(w.err, err)
		return exitStatus(err)
	}
	return 0
}

// exitRemoved is the exit status of a server that the others of its cluster have removed:
// it is to be started again, as EX_TEMPFAIL of sysexits.h says.
const exitRemoved = 75

func exitStatus(err error) int {
	if errors.Is(err, messages.ErrRemoved) {
		return exitRemoved
	}
	return 1
}

func rootCommand(w world) *cobra.Command {
	root := &cobra.Command{
		Use: "parley", Short: "An LLM chat server and gateway",
		Long: "Parley serves chat completions, responses and conversations from several\n" +
			"model providers behind one API, and keeps the conversations.\n\n" +
			"Start it with `parley serve`.",
		SilenceUsage: true, SilenceErrors: true, // shown by showError, without the usage
	}
	root.SetFlagErrorFunc(explainFlag)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		serveCommand(w),
		configCommand(w),
		tenantCommand(w),
		keyCommand(w),
		budgetCommand(w),
		limitCommand(w),
		usageCommand(w),
		priceCommand(w),
		eraseCommand(w),
		auditCommand(w),
		cacheCommand(w),
		clusterCommand(w),
		shardCommand(w),
		backupCommand(w),
		restoreCommand(w),
		versionCommand(),
	)
	return root
}

// configFlags are the flags that say where the configuration is from, and set
// some of its keys.
type configFlags struct {
	set  *pflag.FlagSet
	file string
	keys map[string]string // flag -> key
}

// addConfigFlags adds --config and --data, which every command has that needs
// the configuration.
func addConfigFlags(c *cobra.Command) *configFlags {
	f := &configFlags{set: c.Flags(), keys: make(map[string]string)}
	f.set.StringVar(&f.file, "config", "", "read the configuration from `FILE` (default parley.yaml, where there is one)")
	f.add("data", "data", "keep everything in `DIR`")
	return f
}

// addServeFlags adds those that only a server needs.
func (f *configFlags) addServeFlags() *configFlags {
	f.add("listen", "http.listen", "listen for clients on `ADDR`, as host:port")
	f.add("admin-listen", "admin.listen", "listen for operators on `ADDR`, as host:port")
	f.addSwitch("cluster", "cluster.enabled", "be one of several servers on the same PostgreSQL")
	f.add("cluster-listen", "cluster.listen", "listen for the other servers on `ADDR`, as host:port")
	f.addSwitch("edge", "edge.enabled", "be an edge node: answer from the cache, and have the servers of edge.cores answer the rest")
	f.addSwitch("demo", "demo", "let the simulated model answer to any model name")
	return f
}

// add makes a flag that sets a key.
func (f *configFlags) add(name, key, usage string) {
	f.set.String(name, "", usage)
	f.keys[name] = key
}

// addSwitch makes a flag that sets a key to true where it stands alone.
func (f *configFlags) addSwitch(name, key, usage string) {
	f.set.VarPF(new(switchValue), name, "", usage).NoOptDefVal = "true"
	f.keys[name] = key
}

// switchValue is what a switch was given. Whether it makes sense is for the
// configuration to say, as with any other key. It implements pflag.Value.
type switchValue string

// Set implements pflag.Value.
func (v *switchValue) Set(s string) error {
	*v = switchValue(s)
	return nil
}

// String implements pflag.Value.
func (v *switchValue) String() string { return string(*v) }

// Type implements pflag.Value.
func (*switchValue) Type() string { return "bool" }

// given returns the flags that were given.
func (f *configFlags) given() []settings.Flag {
	var given []settings.Flag
	f.set.Visit(func(flag *pflag.Flag) {
		if key, ok := f.keys[flag.Name]; ok {
			given = append(given, settings.Flag{Name: "--" + flag.Name, Key: key, Value: flag.Value.String()})
		}
	})
	return given
}

func (f *configFlags) load(w world) (*Config, *settings.Loaded, error) {
	return loadConfig(f.file, w.environment, f.given())
}

// explainFlag adds the nearest flags to the complaint about one that is not
// known.
func explainFlag(c *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return fmt.Errorf("%w\nSee %s --help", err, c.CommandPath())
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	text := fmt.Sprintf("%s has no flag --%s", c.CommandPath(), unknown.GetSpecifiedName())
	if near := settings.Nearest(unknown.GetSpecifiedName(), known); len(near) > 0 {
		text += ": did you mean --" + strings.Join(near, " or --") + "?"
	}
	return fmt.Errorf("%s\nSee %s --help", text, c.CommandPath())
}

// showError tells a person what went wrong, and what to do about it.
func showError(w io.Writer, err error) {
	if faults, ok := errors.AsType[settings.Faults](err); ok {
		for _, fault := range faults {
			_, _ = fmt.Fprintln(w, fault)
		}
		_, _ = fmt.Fprintf(w, "parley: the configuration has %s\n", count(len(faults), "fault"))
		return
	}
	failure, ok := errors.AsType[*messages.Failure](err)
	if !ok {
		_, _ = fmt.Fprintln(w, "parley:", err)
		return
	}
	_, _ = fmt.Fprintln(w, "parley:", failure.What)
	if failure.Cause != nil {
		_, _ = fmt.Fprintln(w, "  cause:", failure.Cause)
	}
	if failure.Do != "" {
		_, _ = fmt.Fprintln(w, "  to do:", failure.Do)
	}
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
