//! A module in pieces: any sizes, any damage.
use crate::script::Script;
use hotpair_storage::{DataDirectory, ModuleError, ModuleHash, ModuleStore};
use std::sync::OnceLock;
use tempfile::TempDir;

struct Shelf {
    modules: ModuleStore,
    _lock: DataDirectory,
    _folder: TempDir,
}

fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let lock = DataDirectory::lock(folder.path()).expect("nobody else has it");
        let modules = ModuleStore::open(&lock).expect("an empty folder opens");
        Shelf { modules, _lock: lock, _folder: folder }
    })
}

pub(crate) fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let (size, damage, at) = (script.word(), script.byte(), script.word());
    let sizes = script.take(16);
    // Long modules need few bytes of input: their pattern is repeated.
    let pattern = script.rest();
    let module: Vec<u8> = pattern.iter().copied().cycle().take(size).collect();
    let hash = ModuleHash::of(&module);
    let mut sent = module.clone();
    match damage % 4 {
        _ if sent.is_empty() => {}
        1 => sent[at % size] ^= 1 + damage / 4,
        2 => sent.truncate(at % size),
        3 => sent.push(damage),
        _ => {}
    }
    let modules = &shelf().modules;
    let before = modules.have(hash).expect("the folder can be read");
    let mut writer = modules.writer(hash).expect("the folder can be written");
    let mut rest = &sent[..];
    let mut turn = 0;
    while !rest.is_empty() {
        let most = sizes.get(turn % sizes.len().max(1)).map_or(64, |it| usize::from(*it) * 16);
        let (piece, behind) = rest.split_at(most.clamp(1, rest.len()));
        writer.write(piece).expect("far below the limit");
        (rest, turn) = (behind, turn + 1);
    }
    assert_eq!(writer.bytes(), sent.len() as u64);
    match writer.finish() {
        Ok(()) => {
            assert_eq!(sent, module, "kept, and it is another one");
            assert_eq!(modules.load(hash), Ok(module));
            assert_eq!(modules.verify(hash), Ok(()));
            assert_eq!(modules.remove(hash), Ok(true));
        }
        Err(ModuleError::WrongHash { expected, found }) => {
            assert_ne!(sent, module, "refused, and it is the announced one");
            assert_eq!((expected, found), (hash, ModuleHash::of(&sent)));
            assert_eq!(modules.have(hash), Ok(before), "refused, and kept");
        }
        Err(error) => panic!("{error}"),
    }
}
