package main

import (
	"example.com/parley/messages"
)

// usageJSON is a line of a usage report as the admin listener writes it.
type usageJSON struct {
	Object    string             `json:"object"`
	Day       string             `json:"day,omitempty"`
	Tenant    messages.TenantID  `json:"tenant,omitempty"`
	Key       messages.KeyID     `json:"key,omitempty"`
	Provider  string             `json:"provider,omitempty"`
	Model     string             `json:"model,omitempty"`
	CacheTier messages.CacheTier `json:"cache_tier,omitempty"`

	Attempts   int64                `json:"attempts"`
	Input      int                  `json:"input_tokens"`
	Cached     int                  `json:"cached_tokens"`
	CacheWrite int                  `json:"cache_write_tokens"`
	Output     int                  `json:"output_tokens"`
	Reasoning  int                  `json:"reasoning_tokens"`
	Unpriced   int64                `json:"unpriced_attempts"`
	Cost       messages.NanoDollars `json:"cost_nano_dollars"`
	Saved      messages.NanoDollars `json:"saved_nano_dollars"`
}

func (u usageJSON) total() messages.UsageTotal {
	return messages.UsageTotal{
		Day: u.Day, Tenant: u.Tenant, Key: u.Key, Provider: u.Provider, Model: u.Model, CacheTier: u.CacheTier, Attempts: u.Attempts,
		Usage: messages.Usage{Input: u.Input, Cached: u.Cached, CacheWrite: u.CacheWrite, Output: u.Output, Reasoning: u.Reasoning},
		Cost:  u.Cost, Saved: u.Saved, Unpriced: u.Unpriced,
	}
}

// usageListJSON is a page of a report as the admin listener writes it.
type usageListJSON struct {
	Data    []usageJSON `json:"data"`
	HasMore bool        `json:"has_more"`
	Summary usageJSON   `json:"summary"`
}
