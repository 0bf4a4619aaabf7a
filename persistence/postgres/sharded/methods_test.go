package sharded_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// athome are the repositories' methods that home alone carries out; the rest this
// package has its own of.
var athome = []string{
	"AppendUsage", "SweepLedger", "EndLeases", "PutBudget", "DeleteBudget", "Budgets", "LookAtBudgets", "TakeAlerts", "PostponeAlert",
	"ClaimKey", "KeepReply", "ReleaseKey", "UndoClaim", "LapseKey", "Deny", "Denied", "Audit", "AuditEntries",
	"CreateTenant", "ChangeTenant", "DeleteTenant", "Tenant", "Tenants", "CreateKey", "ChangeKey", "RotateKey", "RevokeKey", "Keys", "Key", "KeysVersion", "MarkUsed",
	"Prices", "PricesVersion", "SetPrice", "DropPrice", "Limits", "LimitsVersion", "SetLimit", "ClearLimit", "Retentions", "SetRetention",
	"CreateErasure", "Erasure", "Erasures", "PendingErasures", "ErasedSince", "DeletedTenants",
	// How this package uses one database.
	"Place", "Share", "RaiseEpochs", "BarTurn", "SweepBars", "TakeUsage", "CopyErasure", "EraseSomeWith", "EraseDeletedOf", "ConversationPlace", "ConversationsFrom",
}

// methods are the exported ones of a folder's type Store.
func methods(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, is := declared.(*ast.FuncDecl); is && f.Recv != nil && f.Name.IsExported() && receives(f) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

func receives(f *ast.FuncDecl) bool {
	pointer, is := f.Recv.List[0].Type.(*ast.StarExpr)
	if !is {
		return false
	}
	name, is := pointer.X.(*ast.Ident)
	return is && name.Name == "Store"
}

// A method that somebody adds works on home alone until it is said here where it works.
func TestEveryMethodSaysWhereItWorks(t *testing.T) {
	t.Parallel()
	own := methods(t, ".")
	for _, name := range methods(t, filepath.Join("..", "..", "relational")) {
		if slices.Contains(own, name) == slices.Contains(athome, name) {
			t.Errorf("relational.Store.%s: have one in this package, or add it to those that are for home", name)
		}
	}
}
