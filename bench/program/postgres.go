package program

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL of a benchmark's own, with an empty database for a server
// whose role row-level security holds. It is used by one goroutine.
type Postgres struct {
	URL string // of the database, with the role's password

	spec     Spec
	password string // of its roles
	programs string // the folder of PostgreSQL's programs
	address  string // host:port
	folder   string
	process  *Process
}

// postgresWithin is for one of PostgreSQL's programs, and for a start.
const postgresWithin = time.Minute

// NewPostgres makes a database cluster in a new folder below folder, which PostgreSQL's
// user may enter then. It is to listen at address. through are words that its programs are started by, such as
// those that enter a network namespace. Start starts it.
func NewPostgres(ctx context.Context, folder, address string, through ...string) (*Postgres, error) {
	p := &Postgres{address: address}
	var err error
	if p.programs, err = postgresPrograms(); err != nil {
		return nil, err
	}
	if p.folder, err = os.MkdirTemp(folder, "postgres-"); err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read where PostgreSQL is to listen: %w", err)
	}
	unprivileged, err := p.unprivileged()
	if err != nil {
		return nil, err
	}
	p.password = rand.Text()
	p.describe(host, port, slices.Concat(through, unprivileged))
	if err := p.initialize(ctx, unprivileged, p.password); err != nil {
		return nil, err
	}
	return p, nil
}

// describe says how it is reached and started.
func (p *Postgres) describe(host, port string, through []string) {
	p.URL = fmt.Sprintf("postgres://parley:%s@%s/parley?sslmode=disable", p.password, p.address)
	p.spec = Spec{
		Path: p.program("postgres"), Through: through,
		Args: []string{
			"-D", p.data(), "-c", "listen_addresses=" + host, "-c", "port=" + port, "-c", "unix_socket_directories=",
			"-c", "max_connections=300", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB", "-c", "log_min_messages=fatal",
		},
	}
}

// Follower makes a server that follows p, which runs, and listens at address. Start
// starts it.
func (p *Postgres) Follower(ctx context.Context, folder, address string) (*Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresWithin)
	defer cancel()
	f := &Postgres{address: address, programs: p.programs, password: p.password}
	var err error
	if f.folder, err = os.MkdirTemp(folder, "postgres-"); err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	unprivileged, err := f.unprivileged()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read where PostgreSQL is to listen: %w", err)
	}
	f.describe(host, port, unprivileged)
	from := fmt.Sprintf("postgres://replicator:%s@%s/postgres?sslmode=disable", p.password, p.address)
	words := slices.Concat(unprivileged, []string{f.program("pg_basebackup"), "--pgdata", f.data(), "--dbname", from, "--write-recovery-conf", "--checkpoint", "fast", "--no-sync"})
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Dir = f.folder
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	return f, nil
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) program(name string) string { return filepath.Join(p.programs, name) }

// postgresPrograms is the folder of the newest server: Debian keeps server programs
// off PATH.
func postgresPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.Sort(folders)
	slices.Reverse(folders)
	if onPath, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(onPath))
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("there is no PostgreSQL server on this machine: install the package postgresql")
}

// unprivileged returns the words that start a program as somebody whom PostgreSQL
// agrees to run as, and gives that user the folder.
func (p *Postgres) unprivileged() ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		if found, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("find a user for PostgreSQL, which refuses to run as root: %w", err)
		}
	}
	uid, uidErr := strconv.Atoi(found.Uid)
	gid, gidErr := strconv.Atoi(found.Gid)
	const enter = 0o711                                                                                                        // but not look around
	if err := errors.Join(uidErr, gidErr, os.Chmod(filepath.Dir(p.folder), enter), os.Chown(p.folder, uid, gid)); err != nil { // #nosec G302 -- the run's own folder
		return nil, fmt.Errorf("give PostgreSQL its folder: %w", err)
	}
	return []string{"setpriv", "--reuid", found.Uid, "--regid", found.Gid, "--clear-groups", "--pdeathsig", "INT"}, nil
}

// initialize makes the files, the role and the database. In single-user mode a line
// is a statement.
func (p *Postgres) initialize(ctx context.Context, unprivileged []string, password string) error {
	ctx, cancel := context.WithTimeout(ctx, postgresWithin)
	defer cancel()
	run := func(stdin, program string, args ...string) error {
		words := slices.Concat(unprivileged, []string{p.program(program)}, args)
		command := exec.CommandContext(ctx, words[0], words[1:]...)
		command.Dir, command.Stdin = p.folder, strings.NewReader(stdin)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", program, err, out)
		}
		return nil
	}
	if err := run("", "initdb", "--pgdata", p.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return err
	}
	statements := "CREATE ROLE parley LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '" + password + "';\nCREATE ROLE replicator LOGIN REPLICATION PASSWORD '" + password + "';\nCREATE DATABASE parley OWNER parley;\n"
	if err := run(statements, "postgres", "--single", "-D", p.data(), "postgres"); err != nil {
		return err
	}
	admitted := []byte("host all parley all scram-sha-256\nhost replication replicator all scram-sha-256\n") // from wherever it is reached, and nobody else
	if err := os.WriteFile(filepath.Join(p.data(), "pg_hba.conf"), admitted, 0o600); err != nil {
		return fmt.Errorf("say who may connect to PostgreSQL: %w", err)
	}
	return nil
}

// Start starts it, on what it had before, and returns once it answers.
func (p *Postgres) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgresWithin)
	defer cancel()
	host, port, _ := net.SplitHostPort(p.address) // NewPostgres has read it
	var err error
	if p.process, err = startLogged(p.spec, p.folder); err != nil {
		return err
	}
	return p.process.await(ctx, func(ctx context.Context) error {
		return exec.CommandContext(ctx, p.program("pg_isready"), "--quiet", "--host", host, "--port", port).Run()
	})
}

// Kill ends it at once with all its connections. The next Start recovers, as from a
// crash: SIGKILL would leave its children behind, in the way of that.
func (p *Postgres) Kill() {
	if p.process != nil {
		_ = p.process.stop(syscall.SIGQUIT, killPatience) // it is gone then, whatever it says
	}
}

// killPatience is for PostgreSQL's children to end.
const killPatience = 10 * time.Second
