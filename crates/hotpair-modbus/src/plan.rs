//! Which registers are read together: a device answers few long questions faster than many short ones.
use crate::point::{Point, Table};

/// Registers of one request (Modbus application protocol 1.1b3, 6.3).
pub const REGISTERS_MAX: u16 = 125;
/// Bits of one request (6.1).
pub const BITS_MAX: u16 = 2_000;
/// Registers or bits that nobody asked for are read along up to this many in a row. A device may not have
/// them, and refuse: the block is read point by point then.
pub const GAP_MAX: u16 = 8;

/// Neighbours that are read by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Of which table.
    pub table: Table,
    /// The first bit or register.
    pub address: u16,
    /// How many.
    pub count: u16,
    /// The places of its points in the list they came in.
    pub points: Vec<usize>,
}

/// Puts points together. Every point is in one block; a block has no gap above [`GAP_MAX`] and
/// not more than a request may ask for.
#[must_use]
pub fn blocks(points: &[Point]) -> Vec<Block> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|it| (points[*it].table, points[*it].address));
    let mut blocks: Vec<Block> = Vec::new();
    for place in order {
        let Point { table, address, encoding, .. } = &points[place];
        let end = u32::from(*address) + u32::from(encoding.width());
        let limit = u32::from(if table.has_bits() { BITS_MAX } else { REGISTERS_MAX });
        let joined = blocks.last_mut().filter(|it| {
            let last = u32::from(it.address) + u32::from(it.count);
            it.table == *table
                && u32::from(*address) <= last + u32::from(GAP_MAX)
                && end.max(last) - u32::from(it.address) <= limit
        });
        if let Some(block) = joined {
            let first = u32::from(block.address);
            let count = (end - first).max(u32::from(block.count));
            block.count = u16::try_from(count).expect("within the limit of a request");
            block.points.push(place);
        } else {
            let count = encoding.width();
            let points = vec![place];
            blocks.push(Block { table: *table, address: *address, count, points });
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Encoding, Number, WordOrder};
    use hotpair_engine::tags::TagType;

    fn point(table: Table, address: u16, number: Number) -> Point {
        let encoding = if table.has_bits() {
            Encoding::Bit
        } else {
            Encoding::Number { number, words: WordOrder::Big, scaling: None }
        };
        Point { tag: "a".into(), of_type: TagType::Float, table, address, encoding }
    }

    #[test]
    fn neighbours_are_read_together_up_to_what_one_request_may() {
        let points = [
            point(Table::Holding, 10, Number::F32),
            point(Table::Input, 0, Number::U16),
            point(Table::Holding, 0, Number::F64),
            // Eight between them.
            point(Table::Holding, 20, Number::U16),
            // Nine between them.
            point(Table::Holding, 30, Number::U16),
            point(Table::Coil, 0, Number::U16),
        ];
        let found = blocks(&points);
        let shown: Vec<_> =
            found.iter().map(|it| (it.table, it.address, it.count, it.points.clone())).collect();
        let expected = vec![
            (Table::Coil, 0, 1, vec![5]),
            (Table::Input, 0, 1, vec![1]),
            (Table::Holding, 0, 21, vec![2, 0, 3]),
            (Table::Holding, 30, 1, vec![4]),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn no_request_is_too_long_and_no_point_is_left_out() {
        let points: Vec<_> =
            (0..300).map(|it| point(Table::Holding, it * 2, Number::F32)).collect();
        let found = blocks(&points);
        assert!(found.iter().all(|it| it.count <= REGISTERS_MAX), "{found:?}");
        let mut places: Vec<_> = found.iter().flat_map(|it| it.points.clone()).collect();
        places.sort_unstable();
        assert_eq!(places, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_address_and_twice_the_same_are_no_trouble() {
        let points = [
            point(Table::Input, 65_535, Number::U16),
            point(Table::Input, 65_535, Number::U16),
            point(Table::Input, 65_532, Number::F64),
        ];
        let found = blocks(&points);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].address, found[0].count), (65_532, 4));
    }
}
