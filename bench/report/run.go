package report

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Run is the main function of a program under bench/: measure fills the line,
// which is then printed. Run returns the exit status: 0 when all targets are
// reached, 1 when one is not, 2 when nothing could be found out. The context
// ends when the program is interrupted.
func Run(name string, measure func(ctx context.Context, line *Report) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	line := New(ctx, name)
	err := measure(ctx, line)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = line.Print(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 2
	case !line.OK():
		return 1
	}
	return 0
}

// Say tells whoever watches how far a program is.
func Say(format string, arguments ...any) { fmt.Fprintf(os.Stderr, format+"\n", arguments...) }
