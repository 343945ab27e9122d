package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// System is a project that runs. Its methods may be called from any goroutine.
type System struct {
	project   Project
	config    Config
	lock      *lock
	started   time.Time
	broker    *EmbeddedBroker
	ports     *reservation
	processes []*process
	ended     chan struct{} // closed when no service is left

	mu       sync.Mutex
	stopping bool
	deaths   error // of services that were not asked to end
	kills    error // of services that were, and did not

	once sync.Once // shutdown
}

// start does what Run promises. What it had begun when it fails, shutdown ends.
func (s *System) start(ctx context.Context) (err error) {
	if s.lock, err = acquire(s.project); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	if s.ports, err = reserve(s.project.Services, s.moved); err != nil {
		return err
	}
	broker := s.project.path("broker")
	complain := func(text string) { s.complain("the embedded broker: " + text) }
	if s.broker, err = OpenBroker(broker, BrokerConfig{Complain: complain}); err != nil {
		return err
	}
	s.tell(Event{Kind: Broker, Text: "the embedded broker listens on " + s.broker.Addr()})
	if err := s.buildAll(ctx); err != nil {
		return err
	}
	if err := s.startAll(ctx); err != nil {
		return err
	}
	s.started = time.Now().UTC()
	if err := s.writeState(); err != nil {
		return err
	}
	s.watch()
	s.tell(Event{Kind: Running, Text: fmt.Sprintf("%s runs", s.project.Name)})
	return nil
}

// prepare makes the directories, and removes what a killed process left.
func (s *System) prepare() error {
	for _, dir := range []string{"bin", "data"} {
		if err := os.MkdirAll(s.project.path(dir), 0o755); err != nil {
			return fmt.Errorf("make the project's state directory: %w", err)
		}
	}
	if err := s.removeState(); err != nil {
		return fmt.Errorf("remove the old state: %w", err)
	}
	return nil
}

func (s *System) removeState() error {
	err := os.Remove(s.project.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// startAll starts the services side by side and waits until all are healthy.
func (s *System) startAll(ctx context.Context) error {
	if err := s.ports.release(); err != nil {
		return fmt.Errorf("release the ports: %w", err)
	}
	for _, service := range s.project.Services {
		p, err := s.startOne(service)
		if err != nil {
			return err
		}
		s.processes = append(s.processes, p)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range s.processes {
		group.Go(func() error {
			begin := time.Now()
			if err := p.await(ctx, s.config.ReadyTimeout); err != nil {
				return err
			}
			took := time.Since(begin).Round(time.Millisecond)
			s.tell(Event{
				Kind: Ready, Service: p.service.Name, URL: p.url,
				Text: fmt.Sprintf("%s is ready after %s on %s", p.service.Name, took, p.url),
			})
			return nil
		})
	}
	return group.Wait()
}

func (s *System) startOne(service Service) (*process, error) {
	port := s.ports.ports[service.Name]
	// The file is named, so that no MINOS_CONFIGURATION_FILE_PATH of the user's
	// gives all services one configuration.
	command := exec.Command(s.project.binary(service), filepath.Join(service.Dir, "config.yml"))
	command.Dir = service.Dir
	command.Env = append(append(os.Environ(), s.environment(service, port)...), s.config.Env...)
	s.tell(Event{Kind: Starting, Service: service.Name, Text: "starting " + service.Name})
	p, err := spawn(service, command, func(text string) { s.config.Observer.Line(service.Name, text) })
	if err != nil {
		return nil, err
	}
	p.url = fmt.Sprintf("http://%s:%d", loopback, port)
	return p, nil
}

// environment is what makes a service run here. exec takes the last of two
// variables of one name.
func (s *System) environment(service Service, port int) []string {
	return []string{
		"MINOS_DATABASES_DEFAULT_CLIENT=sqlite",
		"MINOS_DATABASES_DEFAULT_PATH=" + s.project.path("data", service.Name+".db"),
		"MINOS_INTERFACES_BROKER_COMMON_HOST=" + s.broker.Host(),
		"MINOS_INTERFACES_BROKER_COMMON_PORT=" + strconv.Itoa(s.broker.Port()),
		"MINOS_INTERFACES_HTTP_CONNECTOR_HOST=" + loopback,
		"MINOS_INTERFACES_HTTP_CONNECTOR_PORT=" + strconv.Itoa(port),
	}
}

// watch sees services that end without being asked to.
func (s *System) watch() {
	var running sync.WaitGroup
	for _, p := range s.processes {
		running.Go(func() {
			<-p.exited
			s.died(p)
		})
	}
	go func() {
		running.Wait()
		close(s.ended)
	}()
}

// died tells of a service that ended, unless it was asked to.
func (s *System) died(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	death := &ExitError{Service: p.service.Name, Err: p.cause(), Log: p.tail.last()}
	s.deaths = errors.Join(s.deaths, death)
	s.tell(Event{Kind: Exited, Service: p.service.Name, Text: death.Error()})
	if err := s.writeState(); err != nil {
		s.complain(err.Error())
	}
}

// URL returns where a service of the project answers, as "http://127.0.0.1:4545".
func (s *System) URL(service string) string {
	return fmt.Sprintf("http://%s:%d", loopback, s.ports.ports[service])
}

// Wait returns when ctx ends or no service is left; that is not its error. Its
// error joins an *ExitError for each service that ended without being asked to:
// the others go on when one ends.
func (s *System) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-s.ended:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaths
}

// Stop asks every service to end, kills those that do not within the grace of
// the Config, or before ctx ends, and closes the broker. When it returns nothing
// runs. Its error joins a *KilledError for each service that it killed. It may
// be called again, and returns the same.
func (s *System) Stop(ctx context.Context) error {
	s.shutdown(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kills
}

// shutdown ends what start began, however far that had come.
func (s *System) shutdown(ctx context.Context) {
	s.once.Do(func() {
		s.mu.Lock()
		s.stopping = true
		s.mu.Unlock()
		if len(s.processes) > 0 {
			s.tell(Event{Kind: Stopping, Text: "stopping the services"})
		}
		s.stopProcesses(ctx)
		if s.ports != nil {
			_ = s.ports.release() // nobody listens on them: nothing is to be done
		}
		if s.broker != nil {
			s.broker.Close()
		}
		if s.lock != nil {
			_ = s.removeState() // a stale one is told from a live one (ReadState)
			s.lock.release()
		}
		if len(s.processes) > 0 {
			s.tell(Event{Kind: Stopped, Text: s.project.Name + " is stopped"})
		}
	})
}

func (s *System) stopProcesses(ctx context.Context) {
	asked := time.Now()
	grace, cancel := context.WithTimeout(ctx, s.config.Grace)
	defer cancel()
	var stopping sync.WaitGroup
	for _, p := range s.processes {
		stopping.Go(func() {
			if p.stop(terminate, grace.Done()) {
				s.killed(&KilledError{Service: p.service.Name, After: time.Since(asked)})
			}
		})
	}
	stopping.Wait()
}

// killed tells of a service that did not end when it was asked to.
func (s *System) killed(kill *KilledError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills = errors.Join(s.kills, kill)
	s.tell(Event{Kind: Killed, Service: kill.Service, Text: kill.Error()})
}

// writeState tells the other commands what runs. One goroutine at a time may
// call it: the first before any service is watched, the others under mu.
func (s *System) writeState() error {
	state := State{
		Project:  s.project.Name,
		PID:      os.Getpid(),
		Broker:   s.broker.Addr(),
		Started:  s.started,
		Services: map[string]ServiceState{},
	}
	for _, p := range s.processes {
		service := ServiceState{URL: p.url, PID: p.cmd.Process.Pid}
		select {
		case <-p.exited:
			service.Exit = p.cause().Error()
		default:
		}
		state.Services[p.service.Name] = service
	}
	return state.write(s.project.path(stateFile))
}

func (s *System) moved(service Service, port int) {
	s.tell(Event{Kind: Moved, Service: service.Name, Text: fmt.Sprintf(
		"port %d of %s is taken: it gets %d", service.Port, service.Name, port)})
}

func (s *System) complain(text string) {
	s.tell(Event{Kind: Fault, Text: text})
}

func (s *System) tell(event Event) { s.config.Observer.Event(event) }
