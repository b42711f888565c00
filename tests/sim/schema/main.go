// Writes src/sim/wire/schema.txt: for every message of the Kubernetes API that the simulator knows, its fields with JSON
// name, protobuf number, type and patch strategy, as the Go structs of k8s.io/api declare them.
//
//	cd tests/sim/schema && go run . > ../../../src/sim/wire/schema.txt
package main

import (
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

var roots = []any{
	meta.APIGroupList{}, meta.APIGroup{}, meta.APIVersions{}, meta.APIResourceList{}, meta.DeleteOptions{}, meta.Status{}, meta.PartialObjectMetadata{},
	core.Binding{}, core.ConfigMap{}, core.Endpoints{}, core.Event{}, core.LimitRange{}, core.Namespace{}, core.Node{}, core.PersistentVolume{},
	core.PersistentVolumeClaim{}, core.Pod{}, core.PodTemplate{}, core.ReplicationController{}, core.ResourceQuota{}, core.Secret{}, core.Service{},
	core.ServiceAccount{}, apps.ControllerRevision{}, apps.DaemonSet{}, apps.Deployment{}, apps.ReplicaSet{}, apps.StatefulSet{},
	batch.CronJob{}, batch.Job{}, autoscalingv1.Scale{}, autoscalingv1.HorizontalPodAutoscaler{}, autoscaling.HorizontalPodAutoscaler{},
	networking.Ingress{}, networking.IngressClass{}, networking.NetworkPolicy{}, policy.Eviction{}, policy.PodDisruptionBudget{},
	rbac.ClusterRole{}, rbac.ClusterRoleBinding{}, rbac.Role{}, rbac.RoleBinding{}, coordination.Lease{}, events.Event{}, discovery.EndpointSlice{},
	storage.StorageClass{}, storage.CSIDriver{}, storage.CSINode{}, storage.VolumeAttachment{}, scheduling.PriorityClass{},
	authorization.SelfSubjectAccessReview{}, authorization.SelfSubjectRulesReview{}, authorization.SubjectAccessReview{}, authorization.LocalSubjectAccessReview{},
	authentication.SelfSubjectReview{}, authentication.TokenReview{}, authentication.TokenRequest{},
	admissionregistration.MutatingWebhookConfiguration{}, admissionregistration.ValidatingWebhookConfiguration{},
	admissionregistration.ValidatingAdmissionPolicy{}, admissionregistration.ValidatingAdmissionPolicyBinding{},
	apiextensions.CustomResourceDefinition{}, apiregistration.APIService{}, metrics.NodeMetrics{}, metrics.PodMetrics{},
}

// Types whose JSON form is not that of their fields.
var special = map[string]string{
	"resource.Quantity": "quantity", "v1.Time": "time", "v1.MicroTime": "microtime", "intstr.IntOrString": "intorstring", "v1.FieldsV1": "raw",
	"runtime.RawExtension": "raw", "v1.Duration": "duration", "v1.JSON": "raw", "v1.JSONSchemaPropsOrBool": "any", "v1.JSONSchemaPropsOrArray": "any",
	"v1.JSONSchemaPropsOrStringArray": "any", "v1.JSONSchemaProps": "any",
}

type field struct{ number, name, kind, flags string }

var messages = map[string][]field{}

func message(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	return parts[len(parts)-2] + "/" + parts[len(parts)-1] + "." + t.Name()
}

func kind(t reflect.Type) (string, bool) {
	if t.Kind() == reflect.Ptr {
		k, _ := kind(t.Elem())
		return k, true
	}
	if s, ok := special[t.String()]; ok {
		return s, false
	}
	switch t.Kind() {
	case reflect.String:
		return "string", false
	case reflect.Bool:
		return "bool", false
	case reflect.Int, reflect.Int32:
		return "int32", false
	case reflect.Int64:
		return "int64", false
	case reflect.Float64:
		return "double", false
	case reflect.Uint8:
		return "byte", false
	case reflect.Slice:
		k, _ := kind(t.Elem())
		if k == "byte" {
			return "bytes", false
		}
		// A named slice is a message of its own in protobuf: repeated items = 1.
		if t.Name() != "" && strings.HasPrefix(t.PkgPath(), "k8s.io") {
			return "items:" + k, false
		}
		return "[]" + k, false
	case reflect.Map:
		k, _ := kind(t.Elem())
		return "{}" + k, false
	case reflect.Struct:
		visit(t)
		return message(t), false
	}
	fmt.Fprintln(os.Stderr, "unknown kind", t)
	os.Exit(1)
	return "", false
}

func visit(t reflect.Type) {
	name := message(t)
	if _, seen := messages[name]; seen {
		return
	}
	messages[name] = nil
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		json, proto := f.Tag.Get("json"), f.Tag.Get("protobuf")
		if json == "-" || f.Type.String() == "v1.TypeMeta" {
			continue
		}
		number := "0"
		if p := strings.Split(proto, ","); len(p) > 1 {
			number = p[1]
		}
		k, pointer := kind(f.Type)
		opts := strings.Split(json, ",")
		flags := ""
		if f.Anonymous && opts[0] == "" {
			flags += "i"
		}
		if pointer {
			flags += "p"
		}
		if strings.Contains(json, "omitempty") {
			flags += "o"
		}
		if strings.Contains(json, "omitzero") {
			flags += "z"
		}
		if flags == "" {
			flags = "-"
		}
		if s := f.Tag.Get("patchStrategy"); s != "" {
			flags += " " + s
			if key := f.Tag.Get("patchMergeKey"); key != "" {
				flags += ":" + key
			}
		}
		n := opts[0]
		if n == "" {
			n = "-"
		}
		fields = append(fields, field{number, n, k, flags})
	}
	messages[name] = fields
}

func main() {
	fmt.Println("# Written by tests/sim/schema. A message, then its fields: number, JSON name, type, flags (i inline, p pointer, o omitempty, z omitzero), patch strategy.")
	for _, r := range roots {
		visit(reflect.TypeOf(r))
	}
	var names []string
	for n := range messages {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Println(n)
		for _, f := range messages[n] {
			fmt.Println("", f.number, f.name, f.kind, f.flags)
		}
	}
}
