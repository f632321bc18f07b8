package main

import (
	"context"

	beta "k8s.io/api/admissionregistration/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

// mutated does the mutations of a policy one after the other, as the plugin's dispatcher does. Matching is left out, and
// so is what the API server fills in between them.
func mutated(one *asked, template *cel.CompositionEnv) answered {
	policy := one.Mutating
	object := &unstructured.Unstructured{Object: one.Object}
	attributes := attributesOf(one, object)
	variables := cel.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil, HasAuthorizer: true}
	compiler := cel.NewCompositedCompilerFromTemplate(template)
	for i := range policy.Spec.Variables {
		known := &policy.Spec.Variables[i]
		result := compiler.CompileAndStoreVariable(
			&validating.Variable{Name: known.Name, Expression: known.Expression}, variables, environment.StoredExpressions)
		if result.Error != nil {
			return answered{Refused: result.Error.Error()}
		}
	}
	variables.HasPatchTypes = true
	found := answered{Decisions: []decided{}}
	versioned := &admission.VersionedAttributes{
		Attributes: attributes, VersionedObject: object, VersionedKind: object.GroupVersionKind(),
	}
	ctx := compiler.CompositionEnv.CreateContext(context.Background())
	for _, mutation := range policy.Spec.Mutations {
		patcher, refused := patcherOf(&mutation, compiler, variables)
		if refused != "" {
			return answered{Refused: refused}
		}
		request := patch.Request{
			MatchedResource:     attributes.GetResource(),
			VersionedAttributes: versioned,
			ObjectInterfaces:    admission.NewObjectInterfacesFromScheme(scheme.Scheme),
			Namespace:           one.Namespace,
			TypeConverter:       applyconfigurations.NewTypeConverter(scheme.Scheme),
		}
		changed, err := patcher.Patch(ctx, request, celconfig.RuntimeCELCostBudget)
		if err != nil {
			found.Errors = append(found.Errors, err.Error())
			continue
		}
		versioned.VersionedObject = changed
	}
	found.Object = versioned.VersionedObject.(*unstructured.Unstructured).Object
	return found
}

func patcherOf(mutation *beta.Mutation, compiler *cel.CompositedCompiler, variables cel.OptionalVariableDeclarations) (
	patch.Patcher, string) {
	var accessor cel.ExpressionAccessor
	if mutation.PatchType == beta.PatchTypeJSONPatch {
		accessor = &patch.JSONPatchCondition{Expression: mutation.JSONPatch.Expression}
	} else {
		accessor = &patch.ApplyConfigurationCondition{Expression: mutation.ApplyConfiguration.Expression}
	}
	evaluator := compiler.CompileMutatingEvaluator(accessor, variables, environment.StoredExpressions)
	for _, err := range evaluator.CompilationErrors() {
		if err != nil {
			return nil, err.Error()
		}
	}
	if mutation.PatchType == beta.PatchTypeJSONPatch {
		return patch.NewJSONPatcher(evaluator), ""
	}
	return patch.NewApplyConfigurationPatcher(evaluator), ""
}
