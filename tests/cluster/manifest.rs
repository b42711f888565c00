//! Manifests for the tests: small services that run, crash, cannot start or find no room.

/// A Deployment of the application image, changed a little at a time.
pub(crate) struct Web {
    name: String,
    replicas: u32,
    version: String,
    annotations: String,
    labels: String,
    strategy: String,
    container: String,
    pod: String,
}

impl Web {
    /// `replicas` pods that become ready at once.
    pub(crate) fn new(name: &str, replicas: u32) -> Self {
        Self {
            name: name.to_owned(),
            replicas,
            version: "1.0.0".to_owned(),
            annotations: "{}".to_owned(),
            labels: String::new(),
            strategy: "{type: RollingUpdate}".to_owned(),
            container: "readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}".to_owned(),
            pod: String::new(),
        }
    }

    /// Another version of the image.
    pub(crate) fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Annotations of the Deployment, as a YAML map.
    pub(crate) fn annotations(mut self, map: &str) -> Self {
        map.clone_into(&mut self.annotations);
        self
    }

    /// Further labels of the Deployment: `, part-of: shop`.
    pub(crate) fn labels(mut self, more: &str) -> Self {
        more.clone_into(&mut self.labels);
        self
    }

    /// What each container asks for, as a YAML map.
    pub(crate) fn resources(mut self, map: &str) -> Self {
        self.container += &format!("\n        resources: {map}");
        self
    }

    /// An image that must be on the node already.
    pub(crate) fn never_pulled(mut self) -> Self {
        self.container += "\n        imagePullPolicy: Never";
        self
    }

    /// Another command than the image's own.
    pub(crate) fn shell(mut self, script: &str) -> Self {
        self.container = format!("command: [sh, -c, {script:?}]");
        self
    }

    /// Pods that run and never become ready.
    pub(crate) fn never_ready(mut self) -> Self {
        self.container = self.container.replace("/health", "/there-is-no-such-page");
        self
    }

    /// Only nodes with these labels, a YAML map, take its pods.
    pub(crate) fn on(mut self, labels: &str) -> Self {
        self.pod = format!("\n      nodeSelector: {labels}");
        self
    }

    /// Where its pods may be, as a YAML map.
    pub(crate) fn apart(mut self, affinity: &str) -> Self {
        self.pod = format!("\n      affinity: {affinity}");
        self
    }

    /// An init container that runs this.
    pub(crate) fn init(mut self, name: &str, script: &str) -> Self {
        self.pod = format!("\n      initContainers:\n      - {{name: {name}, image: docker.io/timonel/app:1.0.0, command: [sh, -c, {script:?}]}}");
        self
    }

    /// As YAML.
    pub(crate) fn yaml(&self) -> String {
        let Self { name, replicas, version, annotations, labels, strategy, container, pod } = self;
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, annotations: {annotations}, labels: {{app: {name}{labels}}}}}\n\
             spec:\n  replicas: {replicas}\n  progressDeadlineSeconds: 30\n  strategy: {strategy}\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
             template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      terminationGracePeriodSeconds: 2{pod}\n      containers:\n      \
             - name: app\n        image: docker.io/timonel/app:{version}\n        {container}\n"
        )
    }
}

/// A Service in front of a [`Web`].
pub(crate) fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8000}}]}}\n"
    )
}

/// An autoscaler with bounds that never wants more than its lower one: its target is far away.
pub(crate) fn autoscaler(name: &str, min: u32, max: u32) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n  minReplicas: {min}\n  maxReplicas: {max}\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}\n  \
         metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: AverageValue, averageValue: \"100\"}}}}}}]\n"
    )
}

/// A CronJob whose schedule is a year away, whose Jobs run this and are tried once.
pub(crate) fn cron_job(name: &str, policy: &str, script: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec:\n  schedule: '0 0 1 1 *'\n  concurrencyPolicy: {policy}\n  \
         jobTemplate:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      backoffLimit: 0\n      template:\n        spec:\n          \
         restartPolicy: Never\n          terminationGracePeriodSeconds: 1\n          containers:\n          \
         - {{name: app, image: 'docker.io/timonel/app:1.0.0', command: [sh, -c, {script:?}]}}\n"
    )
}
