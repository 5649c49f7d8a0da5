// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// handler creates, updates and deletes the resources of one type.
type handler interface {
	// create creates the resource. If it returns a physical ID together with an
	// error, the resource exists and must be deleted.
	create(ctx context.Context, o *operation, r *resource) (outcome, error)
	// update changes the resource in place, from r.properties to properties.
	update(ctx context.Context, o *operation, r *resource, properties map[string]any) (outcome, error)
	delete(ctx context.Context, o *operation, r *resource) error
	// replaces reports whether a change needs a new physical resource.
	replaces(r *resource, properties map[string]any) (bool, error)
}

// outcome is the result of a handler for a created or updated resource. An
// empty physical ID and nil attributes leave those of the resource unchanged.
type outcome struct {
	physicalID string
	attributes map[string]any // for GetAtt
	answerKey  string         // of a custom resource: where its answer is stored
}

// errCancelled is the error of a resource that stops waiting because another
// one has failed or the stack is being deleted.
var errCancelled = errors.New("cancelled")

// operation is one create, update or delete of a stack. It runs as principal:
// the caller, or the stack's service role.
type operation struct {
	s         *Service
	st        *stack
	principal *kernel.Principal
	token     string
	scope     *template.Scope
	order     []string
	needs     map[string][]string

	ctx    context.Context // an operation outlives the call that starts it
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs an operation in its own goroutine, after the one before it has
// stopped. The caller holds the lock.
func (s *Service) start(st *stack, o *operation, run func(*operation)) {
	before := st.operation
	o.s, o.st, o.done = s, st, make(chan struct{})
	o.ctx, o.cancel = context.WithCancel(s.ctx)
	st.operation = o
	s.running.Go(func() {
		defer close(o.done)
		defer o.cancel()
		if before != nil {
			before.cancel()
			<-before.done
		}
		run(o)
	})
}

// setStatus changes the stack's status, unless another operation has taken the
// stack over.
func (o *operation) setStatus(status, reason string) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if o.st.operation == o {
		o.s.setStackLocked(o.st, status, reason)
	}
}

// bind sets the scope's Ref and GetAtt, which look up the stack's resources.
func (o *operation) bind() {
	o.scope.Ref = func(id string) (any, error) {
		o.s.mu.Lock()
		defer o.s.mu.Unlock()
		if r, found := o.st.resources[id]; found && r.physicalID != "" {
			return r.physicalID, nil
		}
		return nil, &template.Error{Message: "Template error: resource " + id + " has not been created"}
	}
	o.scope.GetAtt = func(id, attribute string) (any, error) {
		o.s.mu.Lock()
		defer o.s.mu.Unlock()
		r, found := o.st.resources[id]
		if !found {
			return nil, &template.Error{Message: "Template error: resource " + id + " has not been created"}
		}
		if v, found := r.attributes[attribute]; found {
			return v, nil
		}
		if r.answerKey != "" {
			return nil, &template.Error{Message: "CustomResource attribute error: Vendor response doesn't contain " +
				attribute + " attribute in object " + r.answerKey + " in S3 bucket " + storageBucket(o.st.region)}
		}
		return nil, &template.Error{Message: "Template error: resource " + id + " does not support attribute type " + attribute + " in Fn::GetAtt"}
	}
}

func (o *operation) handler(kind string) handler {
	if h, found := o.s.handlers[kind]; found {
		return h
	}
	return o.s.custom
}

// runCreate creates the stack's resources. If one fails, it does what the
// stack's OnFailure defines.
func runCreate(o *operation) {
	failed := o.each(o.order, o.needs, true, o.create)
	if o.ctx.Err() != nil {
		return // the sandbox closes, or a DeleteStack takes over
	}
	if len(failed) == 0 {
		err := o.setOutputs()
		if err == nil {
			o.setStatus("CREATE_COMPLETE", "")
			return
		}
		o.failCreate(err.Error() + " ")
		return
	}
	o.failCreate("The following resource(s) failed to create: [" + strings.Join(failed, ", ") + "]. ")
}

// failCreate ends a create that has failed, as the stack's OnFailure defines.
func (o *operation) failCreate(reason string) {
	switch o.st.onFailure {
	case "DO_NOTHING":
		o.setStatus("CREATE_FAILED", reason)
		return
	case "DELETE":
		o.setStatus("DELETE_IN_PROGRESS", reason+"Delete requested by user.")
		o.deleteAll(nil, false)
		return
	}
	o.setStatus("ROLLBACK_IN_PROGRESS", reason+"Rollback requested by user.")
	if left := o.deleteResources(nil, true); len(left) > 0 {
		o.setStatus("ROLLBACK_FAILED", "The following resource(s) failed to delete: ["+strings.Join(left, ", ")+"]. ")
		return
	}
	o.setStatus("ROLLBACK_COMPLETE", "")
}

// create adds a resource to the stack, evaluates its properties and creates it.
func (o *operation) create(ctx context.Context, id string) error {
	definition := o.st.template.Resources[id]
	r := &resource{
		logicalID: id, kind: definition.Type, needs: o.needs[id],
		deletionPolicy: definition.DeletionPolicy, updateReplacePolicy: definition.UpdateReplacePolicy,
	}
	o.s.mu.Lock()
	o.st.resources[id] = r
	o.s.mu.Unlock()
	properties, err := o.scope.Properties(definition)
	if err != nil {
		o.s.setResource(o.st, r, "CREATE_FAILED", err.Error())
		return err
	}
	o.s.mu.Lock()
	r.properties = properties
	o.s.mu.Unlock()
	o.s.setResource(o.st, r, "CREATE_IN_PROGRESS", "")
	return o.make(ctx, r)
}

// make calls the handler to create a resource, and records the events.
func (o *operation) make(ctx context.Context, r *resource) error {
	result, err := o.handler(r.kind).create(ctx, o, r)
	o.storeOutcome(r, result)
	if err != nil {
		o.s.setResource(o.st, r, "CREATE_FAILED", reasonOf(err, "Resource creation cancelled"))
		return err
	}
	o.s.setResource(o.st, r, "CREATE_IN_PROGRESS", "Resource creation Initiated")
	o.s.setResource(o.st, r, "CREATE_COMPLETE", "")
	return nil
}

func (o *operation) storeOutcome(r *resource, result outcome) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if result.physicalID != "" {
		r.physicalID = result.physicalID
	}
	if result.attributes != nil {
		r.attributes = result.attributes
	}
	r.answerKey = result.answerKey
}

func reasonOf(err error, cancelled string) string {
	if errors.Is(err, errCancelled) {
		return cancelled
	}
	return err.Error()
}

// setOutputs evaluates the Outputs section and stores the stack's outputs.
func (o *operation) setOutputs() error {
	outputs, err := evaluateOutputs(o.st.template, o.scope)
	if err != nil {
		return err
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.st.outputs = outputs
	return nil
}

func evaluateOutputs(t *template.Template, scope *template.Scope) (map[string]string, error) {
	outputs := map[string]string{}
	for name, output := range t.Outputs {
		if !scope.Wanted(output.Condition) {
			continue
		}
		v, err := scope.Resolve(output.Value)
		if err != nil {
			return nil, err
		}
		text, ok := template.Stringify(v).(string)
		if !ok {
			return nil, &template.Error{Message: "Template format error: Output " + name + " is malformed. The Value field of every Outputs member must evaluate to a String."}
		}
		outputs[name] = text
	}
	return outputs, nil
}

// each calls do for every resource, in parallel, each after the resources that
// it needs. A resource that needs a failed one is skipped. With stop, a failure
// also cancels the calls in progress and prevents further ones. It returns the
// IDs that failed, sorted.
func (o *operation) each(ids []string, needs map[string][]string, stop bool, do func(context.Context, string) error) []string {
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	finished := make(map[string]chan struct{}, len(ids))
	for _, id := range ids {
		finished[id] = make(chan struct{})
	}
	var mu sync.Mutex
	succeeded := map[string]bool{}
	var failed []string
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			defer close(finished[id])
			for _, other := range needs[id] {
				if done, found := finished[other]; found {
					<-done
					mu.Lock()
					ok := succeeded[other]
					mu.Unlock()
					if !ok {
						return
					}
				}
			}
			if ctx.Err() != nil {
				return
			}
			err := do(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded[id] = true
				return
			}
			failed = append(failed, id)
			if stop {
				cancel()
			}
		})
	}
	all.Wait()
	slices.Sort(failed)
	return failed
}

// reversed returns, for each resource, the resources that need it: they must be
// deleted first.
func reversed(resources map[string]*resource) map[string][]string {
	by := map[string][]string{}
	for id, r := range resources {
		for _, other := range r.needs {
			by[other] = append(by[other], id)
		}
	}
	return by
}

func (s *Service) snapshot(st *stack) map[string]*resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(st.resources)
}

func same(a, b map[string]any) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	return reflect.DeepEqual(template.Stringify(a), template.Stringify(b))
}
