// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// object is the object of an instance, as its provider returned it.
type object struct {
	value               cty.Value
	private             []byte
	identity            cty.Value // cty.NilVal if it has none
	tainted             bool
	dependencies        []address
	createBeforeDestroy bool
}

// stored is an object in a state. It is JSON, so that each command has to decode it
// with the provider, as with a state file.
type stored struct {
	provider            string
	version             int64
	attributes          []byte
	shown               []byte // the same without the types of dynamic values
	private             []byte
	identityVersion     int64
	identity            []byte
	tainted             bool
	dependencies        []address
	createBeforeDestroy bool
}

// output is an output value in a state.
type output struct {
	value     cty.Value
	sensitive bool
}

// state has the contents of a state file.
type state struct {
	mu      sync.Mutex
	serial  int
	objects map[instance]*stored
	deposed map[instance]map[string]*stored // replaced and not destroyed yet
	outputs map[string]output
}

func newState() *state {
	return &state{objects: map[instance]*stored{}, deposed: map[instance]map[string]*stored{}, outputs: map[string]output{}}
}

func (s *state) clone() *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	twin := &state{serial: s.serial, objects: maps.Clone(s.objects), deposed: map[instance]map[string]*stored{}, outputs: maps.Clone(s.outputs)}
	for i, all := range s.deposed {
		twin.deposed[i] = maps.Clone(all)
	}
	return twin
}

func (s *state) object(i instance) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[i]
}

// set stores an object, or removes it if o is nil.
func (s *state) set(i instance, o *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	if o == nil {
		delete(s.objects, i)
		return
	}
	s.objects[i] = o
}

// depose makes the current object a deposed one.
func (s *state) depose(i instance, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[i]
	delete(s.objects, i)
	if s.deposed[i] == nil {
		s.deposed[i] = map[string]*stored{}
	}
	s.deposed[i][name] = o
}

// aside returns a deposed object.
func (s *state) aside(i instance, name string) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deposed[i][name]
}

// restore makes a deposed object the current one again, unless the instance has
// another one.
func (s *state) restore(i instance, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.deposed[i][name]; o != nil && s.objects[i] == nil {
		s.objects[i] = o
		delete(s.deposed[i], name)
	}
}

func (s *state) setDeposed(i instance, name string, o *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	if o == nil {
		delete(s.deposed[i], name)
		return
	}
	s.deposed[i][name] = o
}

// instances returns all instances with a current object, sorted.
func (s *state) instances() []instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.objects), instance.compare)
}

// of returns the instances of one resource.
func (s *state) of(a address) []instance {
	var all []instance
	for _, i := range s.instances() {
		if i.address == a {
			all = append(all, i)
		}
	}
	return all
}

// store encodes an object for the state.
func (p *provider) store(providerKey string, of address, o *object) (*stored, error) {
	if o == nil {
		return nil, nil
	}
	s := p.schemaOf(of)
	value, _ := o.value.UnmarkDeep()
	attributes, err := ctyjson.Marshal(value, s.impliedTyp)
	if err != nil {
		return nil, err
	}
	shown, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		return nil, err
	}
	st := &stored{
		provider: providerKey, version: s.version, attributes: attributes, shown: shown, private: o.private,
		tainted: o.tainted, dependencies: o.dependencies, createBeforeDestroy: o.createBeforeDestroy,
	}
	if schema := p.identities[of.typ]; schema != nil && o.identity != cty.NilVal && !o.identity.IsNull() {
		st.identityVersion = schema.version
		if st.identity, err = ctyjson.Marshal(o.identity, schema.typ); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// decoded returns the attributes as encoding/json has them.
func (st *stored) decoded() map[string]any {
	return asJSON(st.shown)
}

func asJSON(text []byte) map[string]any {
	if text == nil {
		return nil
	}
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		panic(err) // store has written it
	}
	return all
}
