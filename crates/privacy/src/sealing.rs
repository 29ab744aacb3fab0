//! Texts that only we can make and read, for the path of an address: what links hold.
//!
//! Always holds: a sealed text says nothing to whoever cannot open it, and cannot be made or changed without the workspace's secret; the same content is
//! always the same text; texts of one kind do not open as another kind.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rapport_domain::WorkspaceId;
use subtle::ConstantTimeEq;

const SEAL: usize = 16;

/// Seals the texts of one kind and workspace.
pub struct Sealer {
    workspace: WorkspaceId,
    seal: [u8; 32],
    hide: [u8; 32],
}

/// For which kind of texts keys are made, as BLAKE3's contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Of the key that seals.
    pub seal: &'static str,
    /// Of the key that hides.
    pub hide: &'static str,
}

impl Sealer {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32], kind: Kind) -> Self {
        let derive = |context| blake3::derive_key(context, secret);
        Self { workspace, seal: derive(kind.seal), hide: derive(kind.hide) }
    }

    /// The workspace that a text belongs to, so that its secret can be looked up; it proves nothing.
    pub fn workspace_of(text: &str) -> Option<WorkspaceId> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(WorkspaceId(i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?)))
    }

    /// The text of a content.
    pub fn close(&self, mut content: Vec<u8>) -> String {
        let seal = self.seal(&content);
        self.apply(&seal, &mut content);
        let mut bytes = self.workspace.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(&seal);
        bytes.extend_from_slice(&content);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The content of a text; `None` when it is none of ours.
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (workspace, rest) = bytes.split_at_checked(8)?;
        let (seal, content) = rest.split_at_checked(SEAL)?;
        if workspace != self.workspace.0.to_be_bytes() {
            return None;
        }
        let seal: [u8; SEAL] = seal.try_into().ok()?;
        let mut content = content.to_vec();
        self.apply(&seal, &mut content);
        bool::from(self.seal(&content).ct_eq(&seal)).then_some(content)
    }

    /// Depends on all of the content, so that it serves as the nonce too (SIV, RFC 5297 section 2).
    fn seal(&self, content: &[u8]) -> [u8; SEAL] {
        let mut seal = [0; SEAL];
        let mut hasher = blake3::Hasher::new_keyed(&self.seal);
        hasher.update(&self.workspace.0.to_be_bytes()).update(content);
        hasher.finalize_xof().fill(&mut seal);
        seal
    }

    /// Hides the content, or shows it again.
    fn apply(&self, seal: &[u8; SEAL], content: &mut [u8]) {
        let mut stream = blake3::Hasher::new_keyed(&self.hide).update(seal).finalize_xof();
        let mut mask = vec![0; content.len()];
        stream.fill(&mut mask);
        content.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}
