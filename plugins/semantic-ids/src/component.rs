//! Options as a generator that is trained.

/// Makes options a generator: parsing, training and search are those of all.
macro_rules! semantic_id_model {
    ($model:ident) => {
        impl gloss_core::QueryGenerator for $model {
            fn check(&self) -> Vec<gloss_core::Diagnostic> {
                self.diagnostics()
            }

            fn produces(&self) -> gloss_core::QueryKind {
                gloss_core::QueryKind::Items
            }

            fn inputs(&self) -> gloss_core::Result<Vec<std::path::PathBuf>> {
                crate::generator::files(&crate::spec::SemanticIdModel::spec(self))
            }

            fn identity(&self) -> gloss_core::Result<gloss_core::Identity> {
                crate::spec::SemanticIdModel::own_identity(self)
            }

            fn trainer(&self) -> Option<&dyn gloss_core::Trainer> {
                self.model.is_none().then_some(self)
            }

            fn export(
                &self,
                folder: &std::path::Path,
                _: &gloss_core::Context,
            ) -> gloss_core::Result<()> {
                crate::generator::export(&crate::spec::SemanticIdModel::spec(self), folder)
            }

            fn open<'a>(
                &'a self,
                data: &'a gloss_core::Data,
                context: &'a gloss_core::Context,
            ) -> gloss_core::Result<Box<dyn gloss_core::Generator + 'a>> {
                crate::generator::open(self, data, context)
            }
        }

        impl gloss_core::Trainer for $model {
            fn identity(&self) -> gloss_core::Result<gloss_core::Identity> {
                crate::spec::SemanticIdModel::training_identity(self)
            }

            fn inputs(&self) -> gloss_core::Result<Vec<std::path::PathBuf>> {
                self.tokenizer.inputs()
            }

            fn metric(&self) -> Option<&str> {
                self.training.metric()
            }

            fn train(
                &self,
                data: &gloss_core::Data,
                folder: &std::path::Path,
                validate: &gloss_core::Validate<'_>,
                context: &gloss_core::Context,
            ) -> gloss_core::Result<()> {
                crate::train::train(self, data, folder, validate, context)
            }

            fn trained(
                &self,
                folder: &std::path::Path,
            ) -> std::sync::Arc<dyn gloss_core::QueryGenerator> {
                let folder = folder.join(crate::train::MODEL);
                std::sync::Arc::new(crate::spec::SemanticIdModel::with_weights(self, folder))
            }
        }
    };
}

pub(crate) use semantic_id_model;
