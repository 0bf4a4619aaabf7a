package main

import (
	"bufio"
	_ "embed" // the project's own questions
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed questions.tsv
var ownQuestions string

// rows reads a file of columns separated by tabs, without its header. A file that
// is not there has none.
func rows(folder, file string, columns int) ([][]string, error) {
	f, err := os.Open(filepath.Join(folder, file)) // #nosec G304 -- the user names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read
	return parse(file, f, columns)
}

func parse(name string, from io.Reader, columns int) (out [][]string, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		if number == 1 || lines.Text() == "" {
			continue
		}
		row := strings.Split(lines.Text(), "\t")
		if len(row) != columns {
			return nil, fmt.Errorf("%s:%d has %d columns, want %d", name, number, len(row), columns)
		}
		out = append(out, row)
	}
	return out, lines.Err()
}

// cluster is questions that one answer serves.
type cluster struct {
	name      string
	questions []string
}

// clusters reads the questions of the replays.
func clusters(o options) (found []cluster, err error) {
	var all [][]string
	switch {
	case o.questions != "":
		all, err = rows(filepath.Dir(o.questions), filepath.Base(o.questions), 2)
	case o.data != "":
		all, err = rows(o.data, "qqp_clusters.tsv", 2)
	}
	if err == nil && len(all) == 0 {
		all, err = parse("questions.tsv", strings.NewReader(ownQuestions), 2)
	}
	if err != nil {
		return nil, err
	}
	place := make(map[string]int)
	for _, row := range all {
		i, known := place[row[0]]
		if !known {
			i = len(found)
			place[row[0]] = i
			found = append(found, cluster{name: row[0]})
		}
		found[i].questions = append(found[i].questions, row[1])
	}
	return found, nil
}
