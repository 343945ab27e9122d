package service_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/service"
)

// Member has personal data.
type Member struct {
	aggregate.Root
	Email string `json:"email" sensitive:"true"`
}

// members keeps them, and hears what is said of them.
type members struct {
	registry *aggregate.Registry
	all      *aggregate.Repository[Member]
	heard    chan string
}

func (m members) Routes(r *cqrs.Commands) {
	cqrs.Command(r, m.join, cqrs.REST(http.MethodPost, "/members"))
	cqrs.Command(r, m.forget, cqrs.REST(http.MethodPost, "/members/{uuid}/forget"))
	cqrs.Event(r, "MemberCreated", m.joined)
}

type joinRequest struct {
	Email string `json:"email"`
}

func (m members) join(ctx context.Context, in joinRequest) (cqrs.Created, error) {
	member := &Member{Email: in.Email}
	err := m.all.Create(ctx, member)
	return cqrs.Created{UUID: member.UUID}, err
}

func (m members) forget(ctx context.Context, in byUUID) (cqrs.None, error) {
	return cqrs.None{}, m.registry.Forget(ctx, in.UUID.String())
}

func (m members) joined(ctx context.Context, e aggregate.Event[Member]) error {
	e, err := m.all.Open(ctx, e)
	if err != nil {
		return err
	}
	email, _ := aggregate.Field[string](e, "email")
	m.heard <- email
	return nil
}

// memberQueries tells what members are like.
type memberQueries struct{ all *aggregate.Repository[Member] }

func (m memberQueries) Routes(r *cqrs.Queries) {
	cqrs.Query(r, m.email, cqrs.REST(http.MethodGet, "/members/{uuid}"))
}

func (m memberQueries) email(ctx context.Context, in byUUID) (string, error) {
	member, err := m.all.Get(ctx, in.UUID)
	if err != nil {
		return "", err
	}
	return member.Email + strings.Join(member.Forgotten(), " "), nil
}

func newMembers(heard chan string) func(*service.App) error {
	return func(app *service.App) error {
		all, err := aggregate.NewRepository[Member](app.Aggregates)
		app.Handle(members{registry: app.Aggregates, all: all, heard: heard}, memberQueries{all})
		return err
	}
}

func TestService_privacy(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 1)
	s := minostest.Start(t, "member", newMembers(heard))
	var created cqrs.Created
	s.Post("/members", joinRequest{"ann@example.com"}).Want(http.StatusCreated).Decode(&created)
	if email := <-heard; email != "ann@example.com" {
		t.Errorf("the handler opened %q", email)
	}
	s.System.Await("MemberCreated", func(m broker.Message) bool {
		if strings.Contains(string(m.Content), "example") {
			t.Errorf("sent in plain: %s", m.Content)
		}
		return true
	})
	var email string
	s.Get("/members/" + created.UUID.String()).Want(http.StatusOK).Decode(&email)
	if email != "ann@example.com" {
		t.Errorf("the member has %q", email)
	}
	s.Post("/members/"+created.UUID.String()+"/forget", nil).Want(http.StatusNoContent)
	s.Get("/members/" + created.UUID.String()).Want(http.StatusOK).Decode(&email)
	if email != "email" {
		t.Errorf("the member still has %q", email)
	}
}

func TestNew_privacyFaults(t *testing.T) {
	t.Parallel()
	const good = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	for name, c := range map[string]struct{ key, previous, want string }{
		"no key":                       {"", "", "Member has sensitive fields: there is no master key"},
		"a key that is none":           {"secret", "", "privacy.key: parse master key: it is not base64"},
		"a key that is short":          {"c2hvcnQ=", "", "it is 5 bytes long, not 32"},
		"a former key that is none":    {good, good + ", c2hvcnQ=", "privacy.previous: parse master key"},
		"a former key without another": {"", good, "privacy.previous: there is no privacy.key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configured := configuration()
			configured.Privacy.Key, configured.Privacy.Previous = c.key, c.previous
			_, err := service.New(t.Context(), configured, drivers(memory.NewBus()), quiet(), newMembers(nil))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is not in: %v", c.want, err)
			}
			if err != nil && c.key != "" && strings.Contains(err.Error(), c.key) {
				t.Errorf("the key is in: %v", err)
			}
		})
	}
}
