package tenant

import (
	"bytes"
	_ "embed" // the price table
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/parley/messages"
)

//go:embed prices.yaml
var priceTable []byte

// table is what prices.yaml holds.
type table struct {
	Sources map[string]string `yaml:"sources"`
	Models  []listed          `yaml:"models"`
}

// listed is an entry of the embedded table.
type listed struct {
	Model  string `yaml:"model"`
	Source string `yaml:"source"` // a key of the table's sources
	Date   string `yaml:"date"`   // on which the source said so
	From   string `yaml:"from"`   // the day from which the price holds; empty for the first of a model
	Price  `yaml:",inline"`
	Long   *long `yaml:"long"` // where a long prompt makes every token of the call dearer
}

type long struct {
	Above int `yaml:"above"` // tokens of input
	Price `yaml:",inline"`
}

// readTable returns the embedded prices.
func readTable() ([]messages.PriceVersion, error) {
	var t table
	decoder := yaml.NewDecoder(bytes.NewReader(priceTable))
	decoder.KnownFields(true)
	if err := decoder.Decode(&t); err != nil {
		return nil, fmt.Errorf("read the price table: %w", err)
	}
	versions := make([]messages.PriceVersion, len(t.Models))
	for i := range t.Models {
		var err error
		if versions[i], err = t.Models[i].version(t.Sources); err != nil {
			return nil, fmt.Errorf("read the price table: %s: %w", t.Models[i].Model, err)
		}
	}
	return versions, nil
}

func (l *listed) version(sources map[string]string) (v messages.PriceVersion, err error) {
	v = messages.PriceVersion{
		Model: l.Model, Price: messages.Price(l.Price), Origin: messages.PriceTable,
		Source: sources[l.Source] + " on " + l.Date, Name: "table:" + l.Model + "@" + l.Date,
	}
	if l.Long != nil {
		v.Long = &messages.LongPrice{Above: l.Long.Above, Price: messages.Price(l.Long.Price)}
	}
	if l.From != "" {
		v.From, err = time.Parse(time.DateOnly, l.From)
	}
	return v, err
}
