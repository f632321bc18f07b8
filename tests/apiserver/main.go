// Evaluates admission policies as the API server does: by its own code.
//
// Reads cases from standard input, one JSON object a line, and answers each with a line: the answers of the policy's
// validations in their order, why the API server refuses the policy, or that the policy does not match; of a policy that
// changes objects (mutating.go), the object as it becomes. Objects are taken as they are: what the API server fills in
// has to be in them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	beta "k8s.io/api/admissionregistration/v1beta1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// asked is one case. `Resource` is the plural, `Namespace` the object of the namespace, if there is one.
type asked struct {
	Policy    admissionregistration.ValidatingAdmissionPolicy
	Mutating  *beta.MutatingAdmissionPolicy
	Object    values
	OldObject values
	Params    values
	Namespace *core.Namespace
	Resource  string
}

// values has whole numbers as such, as objects in the API server have.
type values map[string]any

func (v *values) UnmarshalJSON(data []byte) error {
	var found map[string]any
	if err := utiljson.Unmarshal(data, &found); err != nil {
		return err
	}
	*v = found
	return nil
}

// decided is what the API server makes of one validation.
type decided struct {
	Action  string `json:"action"`
	Error   bool   `json:"error"`
	Message string `json:"message"`
}

// answered is what comes of a case. `Decisions` is null where the policy does not match.
type answered struct {
	Refused   string    `json:"refused,omitempty"`
	Decisions []decided `json:"decisions"`
	Object    values    `json:"object,omitempty"`
	Errors    []string  `json:"errors,omitempty"`
}

func main() {
	template, err := cel.NewCompositionEnv(
		cel.VariablesTypeName, environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		panic(err)
	}
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	decoder := json.NewDecoder(lines)
	for decoder.More() {
		var one asked
		if err := decoder.Decode(&one); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer := answer
		if one.Mutating != nil {
			answer = mutated
		}
		if err := out.Encode(answer(&one, template)); err != nil {
			os.Exit(1)
		}
	}
}

// fill puts in what the API server does where a policy does not say.
func fill(policy *admissionregistration.ValidatingAdmissionPolicy) {
	fail, equivalent, every := admissionregistration.Fail, admissionregistration.Equivalent, admissionregistration.AllScopes
	if policy.Spec.FailurePolicy == nil {
		policy.Spec.FailurePolicy = &fail
	}
	if policy.Spec.MatchConstraints == nil {
		policy.Spec.MatchConstraints = &admissionregistration.MatchResources{}
	}
	about := policy.Spec.MatchConstraints
	if about.MatchPolicy == nil {
		about.MatchPolicy = &equivalent
	}
	if about.NamespaceSelector == nil {
		about.NamespaceSelector = &meta.LabelSelector{}
	}
	if about.ObjectSelector == nil {
		about.ObjectSelector = &meta.LabelSelector{}
	}
	for _, rules := range [][]admissionregistration.NamedRuleWithOperations{about.ResourceRules, about.ExcludeResourceRules} {
		for i := range rules {
			if rules[i].Scope == nil {
				rules[i].Scope = &every
			}
		}
	}
}

func answer(one *asked, template *cel.CompositionEnv) answered {
	fill(&one.Policy)
	object := &unstructured.Unstructured{Object: one.Object}
	attributes := attributesOf(one, object)
	matcher := generic.NewPolicyMatcher(matching.NewMatcher(namespaces(one.Namespace), nil))
	accessor := validating.NewValidatingAdmissionPolicyAccessor(&one.Policy)
	scheme := runtime.NewScheme()
	matches, resource, kind, err := matcher.DefinitionMatches(
		attributes, admission.NewObjectInterfacesFromScheme(scheme), accessor)
	if err != nil {
		return answered{Refused: err.Error()}
	}
	validator, refused := compiled(&one.Policy, template)
	if refused != "" {
		return answered{Refused: refused}
	}
	if !matches {
		return answered{}
	}
	versioned := &admission.VersionedAttributes{
		Attributes: attributes, VersionedObject: object, VersionedKind: kind,
	}
	if one.OldObject != nil {
		versioned.VersionedOldObject = &unstructured.Unstructured{Object: one.OldObject}
	}
	var params runtime.Object
	if one.Params != nil {
		params = &unstructured.Unstructured{Object: one.Params}
	}
	result := validator.Validate(
		context.Background(), resource, versioned, params, one.Namespace, celconfig.RuntimeCELCostBudget, nil)
	found := answered{Decisions: []decided{}}
	for _, decision := range result.Decisions {
		found.Decisions = append(found.Decisions, decided{
			string(decision.Action), decision.Evaluation == validating.EvalError, decision.Message})
	}
	return found
}

func attributesOf(one *asked, object *unstructured.Unstructured) admission.Attributes {
	kind := object.GroupVersionKind()
	resource := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: one.Resource}
	var old runtime.Object
	operation := admission.Create
	if one.OldObject != nil {
		operation = admission.Update
		old = &unstructured.Unstructured{Object: one.OldObject}
	}
	namespace := ""
	if one.Namespace != nil {
		namespace = one.Namespace.Name
	}
	return admission.NewAttributesRecord(
		object, old, kind, namespace, object.GetName(), resource, "", operation, nil, false, nil)
}

func namespaces(one *core.Namespace) listers.NamespaceLister {
	known := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if one != nil {
		if err := known.Add(one); err != nil {
			panic(err)
		}
	}
	return listers.NewNamespaceLister(known)
}

// compiled does what the plugin does with a policy, and says why an expression of it is refused.
func compiled(policy *admissionregistration.ValidatingAdmissionPolicy, template *cel.CompositionEnv) (
	validating.Validator, string) {
	variables := cel.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil, HasAuthorizer: true}
	forMessages := cel.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil}
	compiler := cel.NewCompositedCompilerFromTemplate(template)
	for i := range policy.Spec.Variables {
		one := &policy.Spec.Variables[i]
		result := compiler.CompileAndStoreVariable(
			&validating.Variable{Name: one.Name, Expression: one.Expression}, variables, environment.StoredExpressions)
		if result.Error != nil {
			return nil, result.Error.Error()
		}
	}
	conditions := []cel.ExpressionAccessor{}
	for i := range policy.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[i]))
	}
	validations := []cel.ExpressionAccessor{}
	messages := make([]cel.ExpressionAccessor, len(policy.Spec.Validations))
	for i, one := range policy.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: one.Expression, Message: one.Message})
		if one.MessageExpression != "" {
			messages[i] = &validating.MessageExpressionCondition{MessageExpression: one.MessageExpression}
		}
	}
	asks := compiler.CompileCondition(validations, variables, environment.StoredExpressions)
	tells := compiler.CompileCondition(messages, forMessages, environment.StoredExpressions)
	annotations := compiler.CompileCondition(nil, variables, environment.StoredExpressions)
	when := compiler.CompileCondition(conditions, variables, environment.StoredExpressions)
	for _, some := range []cel.ConditionEvaluator{asks, tells, when} {
		for _, err := range some.CompilationErrors() {
			if err != nil {
				return nil, err.Error()
			}
		}
	}
	var matcher matchconditions.Matcher
	if len(conditions) > 0 {
		matcher = matchconditions.NewMatcher(when, policy.Spec.FailurePolicy, "policy", "validate", policy.Name)
	}
	return validating.NewValidator(asks, matcher, annotations, tells, policy.Spec.FailurePolicy), ""
}
