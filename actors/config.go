package actors

import (
	"errors"

	"example.com/parley/actors/admission"
	"example.com/parley/actors/batch"
	"example.com/parley/actors/cache"
	"example.com/parley/actors/conversation"
	"example.com/parley/actors/shard"
)

// Config joins the sections of the actors that carry turns. Those of providers,
// router and tenants are with the parts that are made from them.
type Config struct {
	Admission    admission.Config          `koanf:"admission"`
	Shard        shard.Config              `koanf:"shard"`
	Conversation conversation.Config       `koanf:"conversation"`
	Stream       conversation.StreamConfig `koanf:"stream"`
	Cache        cache.Config              `koanf:"cache"`
	Batch        batch.Config              `koanf:"batch"`
	Drill        bool                      `koanf:"drill"` // operators may have actors fail, to see that nothing else does; for trying things out
}

// DefaultConfig suits a laptop and a small server alike.
func DefaultConfig() Config {
	return Config{
		Admission: admission.DefaultConfig(), Shard: shard.DefaultConfig(),
		Conversation: conversation.DefaultConfig(), Stream: conversation.DefaultStreamConfig(), Cache: cache.DefaultConfig(),
		Batch: batch.DefaultConfig(),
	}
}

// Validate reports the faults of all sections together.
func (c Config) Validate() error {
	return errors.Join(c.Admission.Validate(), c.Shard.Validate(), c.Conversation.Validate(), c.Stream.Validate(), c.Cache.Validate(), c.Batch.Validate())
}
