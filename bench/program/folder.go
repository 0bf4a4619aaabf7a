package program

import (
	"fmt"
	"os"

	"example.com/parley/bench/report"
)

// Folder makes a folder for a run's files. leave is called when the run is over:
// the folder of one that went well is removed, any other is kept, and the user
// told where it is and what the server said last.
func Folder(name string) (path string, leave func(well bool) error, err error) {
	if path, err = os.MkdirTemp("", name+"-"); err != nil {
		return "", nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	return path, func(well bool) error {
		if well {
			return os.RemoveAll(path)
		}
		report.Say("everything of the run is kept in %s; the server's log ends with\n%s", path, Tail(LogOf(path, "parley")))
		return nil
	}, nil
}
