//! Whether the two tables of an ELF file agree: the program headers, by which the system maps it, with the section
//! headers, by which it is read here.
//!
//! Linkers write one at the beginning and the other at the end. A damaged program header may still load, and ends the
//! process later: unwinding tables that are not found turn the next panic into an abort, data that is mapped read-only is
//! a crash at the first write. Works on bytes alone.

use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, elf,
    read::elf::{ElfFile64, FileHeader, ProgramHeader, SectionHeader},
};

/// A range of addresses with its bytes in the file.
#[derive(Clone, Copy)]
struct Range {
    address: u64,
    offset: u64,
    in_file: u64,
    in_memory: u64,
    flags: elf::ProgramFlags,
}

impl Range {
    /// Whether a section of the file lies within, at the place in the file that belongs to its address.
    fn holds(&self, section: &Section<'_>) -> bool {
        let Some(above) = section.address.checked_sub(self.address) else {
            return false;
        };
        let Some(end) = above.checked_add(section.size) else {
            return false;
        };
        if section.in_file {
            end <= self.in_file && self.offset.checked_add(above) == Some(section.offset)
        } else {
            end <= self.in_memory
        }
    }
}

struct Section<'a> {
    name: &'a [u8],
    address: u64,
    offset: u64,
    size: u64,
    in_file: bool,
    flags: elf::SectionFlags,
}

impl Section<'_> {
    fn has(&self, flag: elf::SectionFlags) -> bool {
        (self.flags & flag).0 != 0
    }

    /// Whether each thread has its own.
    fn of_threads(&self) -> bool {
        self.has(elf::SHF_TLS)
    }

    /// Thread-local data without content takes no room in the mapping.
    fn is_mapped(&self) -> bool {
        self.in_file || !self.of_threads()
    }
}

/// Checks a 64-bit ELF library; anything else is taken as it is.
///
/// # Errors
///
/// What does not fit.
pub(super) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let Ok(file) = ElfFile64::<Endianness>::parse(bytes) else {
        return Ok(());
    };
    let endian = file.endian();
    let ranges = |kind: elf::ProgramType| -> Vec<Range> {
        let headers = file.elf_program_headers().iter();
        headers
            .filter(|header| header.p_type(endian) == kind)
            .map(|header| Range {
                address: header.p_vaddr(endian),
                offset: header.p_offset(endian),
                in_file: header.p_filesz(endian),
                in_memory: header.p_memsz(endian),
                flags: header.p_flags(endian),
            })
            .collect()
    };
    let table = file
        .elf_header()
        .sections(endian, bytes)
        .map_err(|_| "its section headers can't be read")?;
    let sections: Vec<Section<'_>> = table
        .iter()
        .filter(|section| (section.sh_flags(endian) & elf::SHF_ALLOC).0 != 0)
        .map(|section| Section {
            name: table.section_name(endian, section).unwrap_or_default(),
            address: section.sh_addr(endian),
            offset: section.sh_offset(endian),
            size: section.sh_size(endian),
            in_file: section.sh_type(endian) != elf::SHT_NOBITS,
            flags: section.sh_flags(endian),
        })
        .collect();
    let loaded = ranges(elf::PT_LOAD);
    check_loaded(&sections, &loaded, bytes.len() as u64)?;
    let relocated = ranges(elf::PT_GNU_RELRO);
    for section in sections.iter().filter(|section| stays_writable(section)) {
        let frozen = relocated.iter().any(|range| {
            let end = range.address.saturating_add(range.in_memory);
            section.address < end && section.address.saturating_add(section.size) > range.address
        });
        if frozen {
            return Err("data that is written to would be mapped read-only");
        }
    }
    let threads: Vec<_> = sections
        .iter()
        .filter(|section| section.of_threads() && section.size > 0)
        .collect();
    let of_threads = ranges(elf::PT_TLS);
    if threads.is_empty() != of_threads.is_empty()
        || !threads
            .iter()
            .all(|section| of_threads.iter().any(|range| range.holds(section)))
    {
        return Err("its thread-local data are not where its headers say");
    }
    for (kind, name, what) in [
        (
            elf::PT_DYNAMIC,
            ".dynamic",
            "its dynamic section is not where its headers say",
        ),
        (
            elf::PT_GNU_EH_FRAME,
            ".eh_frame_hdr",
            "its unwinding tables are not where its headers say",
        ),
    ] {
        let section = sections.iter().find(|section| section.name == name.as_bytes());
        let ranges = ranges(kind);
        let fits = match (section, ranges.as_slice()) {
            (None, []) => true,
            (Some(section), [range]) => {
                (section.address, section.offset, section.size) == (range.address, range.offset, range.in_file)
            }
            _ => false,
        };
        if !fits {
            return Err(what);
        }
    }
    for symbol in file.dynamic_symbols() {
        let Some(section) = symbol.section_index() else {
            continue;
        };
        let within = file.section_by_index(section).is_ok_and(|section| {
            let end = section.address().saturating_add(section.size());
            // The value of a thread-local symbol is no address.
            symbol.kind() == object::SymbolKind::Tls || (section.address()..=end).contains(&symbol.address())
        });
        if !within {
            return Err("a symbol is not where its headers say");
        }
    }
    Ok(())
}

fn check_loaded(sections: &[Section<'_>], loaded: &[Range], length: u64) -> Result<(), &'static str> {
    let mut end = 0;
    for range in loaded {
        if range.address < end || range.in_file > range.in_memory {
            return Err("its segments overlap");
        }
        end = range.address.saturating_add(range.in_memory);
        if range.offset.checked_add(range.in_file).is_none_or(|end| end > length) {
            return Err("a segment ends behind the file");
        }
        // Nothing but sections is mapped: a longer segment is none that a linker wrote.
        let used = sections
            .iter()
            .filter(|section| section.is_mapped() && section.address >= range.address)
            .map(|section| section.address.saturating_add(section.size))
            .filter(|&last| last <= end)
            .max();
        if used.is_none_or(|used| end - used > PADDING) {
            return Err("a segment is longer than what is in it");
        }
    }
    for section in sections {
        if section.size == 0 || !section.is_mapped() {
            continue;
        }
        let Some(range) = loaded.iter().find(|range| range.holds(section)) else {
            return Err("a section is in no segment");
        };
        let lacks = |needed: bool, flag: elf::ProgramFlags| needed && (range.flags & flag).0 == 0;
        if lacks(true, elf::PF_R)
            || lacks(section.has(elf::SHF_WRITE), elf::PF_W)
            || lacks(section.has(elf::SHF_EXECINSTR), elf::PF_X)
        {
            return Err("a section is mapped without the rights that it needs");
        }
    }
    Ok(())
}

/// How much longer than its sections a segment may be: some linkers fill up the last page.
const PADDING: u64 = 0x1_0000;

/// Whether a section is written to after relocation.
fn stays_writable(section: &Section<'_>) -> bool {
    section.has(elf::SHF_WRITE) && !section.of_threads() && matches!(section.name, b".data" | b".bss")
}
