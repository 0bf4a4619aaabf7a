package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxLine = 1 << 20 // bytes: a question is shorter than a book

// readQuestions returns what stands in one column of a table: a line a row,
// tabs between the columns, the first line naming them. There is no quoting.
// Rows whose cell is empty are left out.
func readQuestions(r io.Reader, column string) ([]string, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("the file of questions is empty"), lines.Err())
	}
	header := strings.Split(strings.TrimPrefix(lines.Text(), "\ufeff"), "\t")
	at := slices.Index(header, column)
	if at < 0 {
		return nil, fmt.Errorf("the file of questions has no column %q: name one of %q with -column", column, header)
	}
	var questions []string
	for number := 2; lines.Scan(); number++ {
		if lines.Text() == "" {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != len(header) {
			return nil, fmt.Errorf("line %d of the questions has %d columns, and the header %d", number, len(cells), len(header))
		}
		question := strings.TrimSpace(cells[at])
		if !utf8.ValidString(question) {
			return nil, fmt.Errorf("line %d of the questions is not UTF-8", number)
		}
		if question != "" {
			questions = append(questions, question)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the questions: %w", err)
	}
	if len(questions) == 0 {
		return nil, errors.New("the file of questions has none")
	}
	return questions, nil
}
