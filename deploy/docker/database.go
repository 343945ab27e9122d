package docker

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/minos-framework/minos-go/deploy"
)

// The variables that say who a service is to its database.
const (
	envDatabaseUser     = "MINOS_DATABASES_DEFAULT_USER"
	envDatabasePassword = "MINOS_DATABASES_DEFAULT_PASSWORD"
)

// observeDatabases asks each running PostgreSQL service that has databases of
// others which ones there are. One that does not answer has no entry.
func (e *Engine) observeDatabases(ctx context.Context, p *deploy.Project, o *deploy.Observed) error {
	o.Databases = map[string]map[string]bool{}
	servers := map[string]string{} // service: container
	for _, s := range p.Services {
		server := p.DatabaseServer(s)
		if s.Labels[deploy.LabelDatabase] == "" || server == "" {
			continue
		}
		for _, c := range o.Containers {
			if c.Service == server && c.State == deploy.Running {
				servers[server] = c.ID
			}
		}
	}
	answers := make(chan answer, len(servers))
	var group errgroup.Group
	for server, container := range servers {
		group.Go(func() error {
			service, _ := p.Service(server)
			out, err := e.exec(ctx, container, psql(service), "select datname from pg_database;\n")
			if err == nil {
				answers <- answer{server, strings.Fields(out)}
			}
			return ctx.Err() // that it does not answer is for its readiness to say
		})
	}
	err := group.Wait()
	close(answers)
	for a := range answers {
		o.Databases[a.server] = map[string]bool{}
		for _, name := range a.databases {
			o.Databases[a.server][name] = true
		}
	}
	return err
}

// answer is which databases a server has.
type answer struct {
	server    string
	databases []string
}

// psql returns the command that runs SQL from its standard input, as the
// superuser of a PostgreSQL service, over its container's own socket.
func psql(server deploy.Service) []string {
	user := cmp.Or(server.Environment["POSTGRES_USER"], "postgres")
	return []string{"psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", "postgres"}
}

// identifier is what is put into SQL as a name.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// createDatabase creates the database that s names, and the role that s uses when
// that is not the server's own, unless they are there.
func (r *Runner) createDatabase(ctx context.Context, s deploy.Service) error {
	server, ok := r.plan.Project.Service(r.plan.Project.DatabaseServer(s))
	if !ok {
		return fmt.Errorf("service %s depends on no PostgreSQL service", s.Name)
	}
	sql, err := databaseSQL(server, s)
	if err != nil {
		return err
	}
	container, err := r.containerOf(ctx, server.Name)
	if err != nil {
		return err
	}
	if _, err := r.exec(ctx, container, psql(server), sql); err != nil {
		return fmt.Errorf("on %s: %w", server.Name, err)
	}
	return nil
}

// databaseSQL returns the statements, which do nothing where all is there. Names
// are checked, and values quoted: what cannot be is an error.
func databaseSQL(server, s deploy.Service) (string, error) {
	name, user := s.Labels[deploy.LabelDatabase], s.Environment[envDatabaseUser]
	owner := cmp.Or(server.Environment["POSTGRES_USER"], "postgres")
	user = cmp.Or(user, owner)
	for _, word := range []string{name, user} {
		if !identifier.MatchString(word) && word != owner {
			return "", fmt.Errorf("%q is no name for a database or role: lower-case letters, digits and _", word)
		}
	}
	var sql strings.Builder
	if user != owner {
		// \gexec runs what the query returns: nothing when the role is there.
		fmt.Fprintf(&sql, "select format('create role %%I login password %%L', '%s', %s)\n"+
			"where not exists (select from pg_roles where rolname = '%[1]s') \\gexec\n",
			user, quote(s.Environment[envDatabasePassword]))
	}
	fmt.Fprintf(&sql, "select format('create database %%I owner %%I', '%s', %s)\n"+
		"where not exists (select from pg_database where datname = '%[1]s') \\gexec\n", name, quote(user))
	return sql.String(), nil
}

// quote returns text as an SQL string. An E string, so that it does not matter
// how the server reads backslashes.
func quote(text string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}
