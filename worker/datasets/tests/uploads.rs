//! Uploaded files: what is taken, and what is refused with which words.
#![allow(clippy::unwrap_used)]

use floodgauge_datasets::{
    Features, Set,
    upload::{UploadError, check, read},
};
use floodgauge_protocol::{Format, Image, Upload};
use std::{
    fs::File,
    io::{Cursor, Seek, Write},
};
use zip::{ZipWriter, write::SimpleFileOptions};

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// A table of 24 rows: two features and a class, with one row in the place of another.
fn table(header: &str, at: usize, row: &str) -> String {
    let rows = (0..24).map(|i| format!("{}.5,{i},{}", i % 7, i % 3));
    let rows: Vec<_> =
        rows.enumerate().map(|(i, r)| if i == at { row.into() } else { r }).collect();
    format!("{header}{}\n", rows.join("\n"))
}

/// A NumPy array as `numpy.save` writes it.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_with(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), data)
}

fn npy_with(header: &str, data: &[u8]) -> Vec<u8> {
    let padded = format!("{header:<117}\n");
    let length = (padded.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, padded.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn f4(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// 24 samples of two features.
fn x() -> Vec<u8> {
    npy("'<f4'", "(24, 2)", &f4((0..48).map(|i| i as f32)))
}

/// Their classes 0, 1 and 2.
fn y() -> Vec<u8> {
    npy("'<i8'", "(24,)", &(0..24i64).flat_map(|i| (i % 3).to_le_bytes()).collect::<Vec<_>>())
}

fn message(bytes: &[u8], format: Format) -> String {
    match check(file(bytes), format) {
        Err(UploadError::Bad(message)) => message,
        other => panic!("{other:?} of {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)])),
    }
}

#[test]
fn tables_are_taken_with_and_without_a_header() {
    for header in ["", "width,height,species\n", "width,height,label\n"] {
        let table = table(header, 99, "");
        let checked = check(file(table.as_bytes()), Format::Csv).unwrap();
        let expected = Upload {
            format: Format::Csv,
            features: 2,
            image: None,
            classes: 3,
            samples: 24,
            test_samples: 0,
        };
        assert_eq!(checked.upload, expected, "{header}");
        let set = read(file(table.as_bytes()), Format::Csv).unwrap();
        let Features::Floats(features) = set.train.features else { panic!("no floats") };
        assert_eq!(
            (features[..4].to_vec(), &set.train.labels[..4]),
            (vec![0.5, 0.0, 1.5, 1.0], &[0, 1, 2, 0][..])
        );
    }
}

#[test]
fn the_features_of_a_table_are_measured_by_the_numbers_of_their_columns() {
    for (header, row, [largest, narrowest]) in [
        ("", "{a},{b},7,{y}", [2, 1]),
        ("small,label,large,seven\n", "{a},{y},{b},7", [3, 1]),
        ("label,small,large,seven\n", "{y},{a},{b},7", [3, 2]),
    ] {
        // 0, 0.25, 0.5 and 0, 40,000, 80,000, eight times each.
        let of = |i: u32| {
            let cells = [("{a}", f64::from(i % 3) / 4.0), ("{b}", f64::from(i % 3) * 4e4)];
            let row = row.replace("{y}", &(i % 2).to_string());
            cells.iter().fold(row, |row, (at, cell)| row.replace(at, &cell.to_string())) + "\n"
        };
        let table = header.to_owned() + &(0..24).map(of).collect::<String>();
        let scales = check(file(table.as_bytes()), Format::Csv).unwrap().scales.unwrap();
        assert_eq!(scales.constant, 1, "{header}");
        let feature = scales.largest;
        assert_eq!((feature.column, feature.min, feature.max), (largest, 0.0, 8e4), "{header}");
        assert!((feature.mean - 4e4).abs() < 1e-6, "{feature:?}");
        assert!((feature.deviation - 4e4 * (2f64 / 3.0).sqrt()).abs() < 1e-6, "{feature:?}");
        let feature = scales.narrowest.unwrap();
        assert_eq!((feature.column, feature.min, feature.max), (narrowest, 0.0, 0.5), "{header}");
    }
}

#[test]
fn of_arrays_each_feature_is_measured_of_images_each_channel_and_test_samples_take_no_part() {
    let scales = |shape: &str, x: Vec<f32>, test: Option<(&str, Vec<f32>)>| {
        let mut arrays = vec![("x", npy("'<f4'", shape, &f4(x))), ("y", y())];
        if let Some((shape, x)) = test {
            arrays.push(("x_test", npy("'<f4'", shape, &f4(x))));
            arrays.push(("y_test", npy("'|u1'", "(1,)", &[0])));
        }
        check(file(&npz(&arrays)), Format::Npz).unwrap().scales.unwrap()
    };
    let rows = || (0..24).flat_map(|i| [1e3 + (i % 2) as f32, (i % 2) as f32 / 8.0]).collect();
    let found = scales("(24, 2)", rows(), Some(("(1, 2)", vec![-1e6, 1e6])));
    let narrowest = found.narrowest.unwrap();
    assert_eq!((found.largest.column, found.largest.min, found.largest.max), (0, 1e3, 1_001.0));
    assert!((found.largest.mean - 1_000.5).abs() < 1e-9, "{found:?}");
    assert!((found.largest.deviation - 0.5).abs() < 1e-9, "{found:?}");
    assert_eq!((narrowest.column, narrowest.min, narrowest.max), (1, 0.0, 0.125));
    // An edge that is dark in every image is part of its channel.
    let image = |i: usize| [0.0, (i % 2) as f32, 0.0, 200.0 + (i % 2) as f32];
    let found = scales("(24, 2, 1, 2)", (0..24).flat_map(image).collect(), None);
    let narrowest = found.narrowest.unwrap();
    assert_eq!((found.largest.column, found.largest.min, found.largest.max), (1, 0.0, 201.0));
    assert_eq!((narrowest.column, narrowest.max, found.constant), (0, 1.0, 0));
}

#[test]
fn the_column_label_may_stand_anywhere_and_lines_may_end_as_they_like() {
    let rows: String = (0..20).map(|i| format!("{}, {i}.25,\"{i}\"\r\n", i % 2)).collect();
    let set = read(file(format!("Label,a,b\r\n{rows}").as_bytes()), Format::Csv).unwrap();
    assert_eq!((set.dim, set.classes, set.train.labels[..3].to_vec()), (2, 2, vec![0, 1, 0]));
    let Features::Floats(features) = set.train.features else { panic!("no floats") };
    assert_eq!(features[2..4], [1.25, 1.0]);
}

#[test]
fn a_table_that_cannot_be_used_is_refused_with_its_row_and_column() {
    let header = "width,height,label\n";
    for (text, expected) in [
        (table(header, 4, "1.0,2.0"), "row 5 (line 6) has 2 columns, the first row has 3"),
        (table("", 4, "1.0,2.0,1,1"), "row 5 (line 5) has 4 columns"),
        (
            table(header, 0, "1.0,NaN,1"),
            "row 1 (line 2), column `height`: `NaN` is not a finite number",
        ),
        (table("", 2, "inf,1,1"), "row 3 (line 3), column 1: `inf` is not a finite number"),
        (table(header, 2, "1e39,1,1"), "`1e39` is not a finite number"),
        (table(header, 2, "red,1,1"), "row 3 (line 4), column `width`: `red` is not a number"),
        (table(header, 2, ",1,1"), "column `width`: `` is not a number"),
        (table(header, 2, "1,1,0.5"), "row 3 (line 4), column `label`: `0.5` is not a class"),
        (table(header, 2, "1,1,-1"), "`-1` is not a class"),
        (table(header, 2, "1,1,256"), "`256` is not a class, a whole number from 0 to 255"),
        (table(header, 2, "1,1,NaN"), "`NaN` is not a class"),
        (table(header, 2, "1,1,4"), "the labels go up to 4, but none is 3"),
        ((0..24).map(|i| format!("{i},0\n")).collect(), "there is only one class"),
        (
            (0..19).map(|i| format!("{i},{}\n", i % 2)).collect(),
            "19 samples are too few: at least 20",
        ),
        ((0..24).map(|i| format!("{}\n", i % 2)).collect(), "1 column found: a class and"),
        ("1;2;0\n".repeat(24), "only 1 column found; is `;` the separator?"),
        ("1\t2\t0\n".repeat(24), "only 1 column found; is a tab the separator?"),
        ("label,label\n1,0\n".into(), "2 columns are named `label`"),
        (header.into(), "0 samples are too few"),
        (String::new(), "the file is empty"),
        (format!("1,{}\n", "0".repeat(20 << 20)), "a row has more than"),
    ] {
        let message = message(text.as_bytes(), Format::Csv);
        assert!(message.contains(expected), "{message}; {expected}");
    }
}

#[test]
fn arrays_are_taken_in_every_kind_of_number() {
    let upload = check(file(&npz(&[("x", x()), ("y", y())])), Format::Npz).unwrap().upload;
    assert_eq!((upload.features, upload.classes, upload.samples, upload.image), (2, 3, 24, None));
    let twos = |bytes: fn(u8) -> Vec<u8>| (0..24).flat_map(|i| bytes(i % 2)).collect::<Vec<_>>();
    for (descr, data) in [
        ("'|b1'", twos(|i| vec![i])),
        ("'|u1'", twos(|i| vec![i])),
        ("'|i1'", twos(|i| vec![i])),
        ("'>i2'", twos(|i| vec![0, i])),
        ("'<u4'", twos(|i| vec![i, 0, 0, 0])),
        ("'<f8'", twos(|i| f64::from(i).to_le_bytes().into())),
        ("'>f4'", twos(|i| f32::from(i).to_be_bytes().into())),
    ] {
        let x = npy(descr, "(24, 1)", &data);
        let set = read(file(&npz(&[("x", x), ("y", y())])), Format::Npz).unwrap();
        let Features::Floats(features) = set.train.features else { panic!("no floats") };
        assert_eq!(features[..4], [0.0, 1.0, 0.0, 1.0], "{descr}");
    }
}

#[test]
fn images_keep_their_shape_and_test_samples_stay_apart() {
    let images = npy("'|u1'", "(24, 3, 2, 2)", &(0..24 * 12).map(|i| i as u8).collect::<Vec<_>>());
    let test = npy("'|u1'", "(2, 3, 2, 2)", &[7; 24]);
    let test_labels = npy("'|u1'", "(2,)", &[2, 0]);
    let arrays = [("x", images), ("y", y()), ("x_test", test), ("y_test", test_labels)];
    let Set { dim, image, test, .. } = read(file(&npz(&arrays)), Format::Npz).unwrap();
    assert_eq!((dim, image), (12, Some(Image { channels: 3, height: 2, width: 2 })));
    let test = test.unwrap();
    assert_eq!((test.labels, test.features), (vec![2, 0], Features::Floats(vec![7.0; 24])));
}

#[test]
fn arrays_that_cannot_be_used_are_refused_by_name() {
    let of = |x: Vec<u8>, y: Vec<u8>| npz(&[("x", x), ("y", y)]);
    let nan = npy("'<f4'", "(24, 2)", &f4((0..48).map(|i| if i == 5 { f32::NAN } else { 0.0 })));
    let large = npy("'<f8'", "(24, 1)", &[1e300f64; 24].map(f64::to_le_bytes).concat());
    let labels = |of: fn(i64) -> i64| {
        npy("'<i8'", "(24,)", &(0..24).flat_map(|i| of(i).to_le_bytes()).collect::<Vec<_>>())
    };
    let test = |x: Vec<u8>, y: Vec<u8>| {
        npz(&[("x", self::x()), ("y", self::y()), ("x_test", x), ("y_test", y)])
    };
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (24, 2), }";
    let huge = "(99999999999, 99999999999)";
    let pickled = npy("'|O'", "(24,)", b"\x80\x04\x95pickled");
    for (bytes, expected) in [
        (of(npy("'|O'", "(24, 2)", b"\x80\x04\x95pickled"), y()), "array `x` holds Python objects"),
        (
            of(x(), pickled),
            "array `y` holds Python objects (dtype object), which are pickled and never read",
        ),
        (of(nan, y()), "array `x`: row 2, feature 1 is not a finite number"),
        (of(large, y()), "array `x`: row 0, feature 0 is not a finite number"),
        (
            of(npy("'<f4'", "(24, 3)", &f4([0.0; 48])), y()),
            "array `x` has fewer numbers than its shape says",
        ),
        (
            of(npy("'<f4'", "(24, 1)", &f4([0.0; 48])), y()),
            "array `x` has more numbers than its shape says",
        ),
        (
            of(npy("'<f4'", "(23, 2)", &f4([0.0; 46])), y()),
            "array `x` has 23 samples, but `y` has 24 labels",
        ),
        (of(npy("'<f4'", "(48,)", &f4([0.0; 48])), y()), "array `x` has shape [48], not [n, d]"),
        (of(npy("'<f4'", huge, &[]), y()), "array `x`: "),
        (of(npy("'<f4'", "(24, 0)", &[]), y()), "array `x`: 0 features"),
        (of(npy("'<c8'", "(24, 1)", &[0; 192]), y()), "array `x` has dtype <c8"),
        (
            of(npy("[('a', '<f4')]", "(24,)", &[0; 96]), y()),
            "array `x` has fields of several kinds",
        ),
        (of(npy_with(fortran, &f4([0.0; 48])), y()), "array `x` is in Fortran order"),
        (
            of(npy_with("{'shape': (24, 2)}", &[]), y()),
            "array `x` has a header that isn't understood",
        ),
        (of(b"no array".to_vec(), y()), "array `x` is not a NumPy array"),
        (of(x(), labels(|i| i - 1)), "array `y`: row 0: label -1 is not from 0 to 255"),
        (of(x(), labels(|i| i * 100)), "array `y`: row 3: label 300 is not from 0 to 255"),
        (of(x(), labels(|i| i % 2 * 2)), "array `y`: the labels go up to 2, but none is 1"),
        (of(x(), labels(|_| 0)), "there is only one class"),
        (of(x(), npy("'<f4'", "(24,)", &f4([0.0; 24]))), "array `y` holds fractions"),
        (of(x(), npy("'|u1'", "(24, 1)", &[0; 24])), "array `y` has shape [24, 1], not [n]"),
        (
            of(npy("'|u1'", "(4, 1)", &[0; 4]), npy("'|u1'", "(4,)", &[0, 1, 0, 1])),
            "4 samples are too few",
        ),
        (npz(&[("x", x())]), "no array named `y`"),
        (
            npz(&[("x", x()), ("y", y()), ("z", y())]),
            "array `z` is none of x, y, x_test and y_test",
        ),
        (npz(&[("x", x()), ("y", y()), ("x_test", x())]), "`x_test` and `y_test` go together"),
        (
            test(npy("'|u1'", "(2, 1)", &[0; 2]), npy("'|u1'", "(2,)", &[0; 2])),
            "array `x_test` has samples of another shape",
        ),
        (
            test(npy("'|u1'", "(2, 2)", &[0; 4]), npy("'|u1'", "(2,)", &[0, 3])),
            "array `y_test`: label 3 is not below 3",
        ),
        (test(npy("'|u1'", "(0, 2)", &[]), npy("'|u1'", "(0,)", &[])), "array `x_test` is empty"),
        (of(x(), y())[..200].to_vec(), "not a zip archive"),
        (b"PK".to_vec(), "not a zip archive"),
        (vec![], "not a zip archive"),
    ] {
        let message = message(&bytes, Format::Npz);
        assert!(message.contains(expected), "{message}; {expected}");
    }
}

#[test]
fn a_damaged_archive_is_refused() {
    let mut bytes = npz(&[("x", x()), ("y", y())]);
    let middle = bytes.len() / 4;
    for byte in &mut bytes[middle..middle + 20] {
        *byte ^= 0xff;
    }
    let message = message(&bytes, Format::Npz);
    assert!(message.contains("array `x`") || message.contains("archive"), "{message}");
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, at in 0usize..600, byte: u8) {
            let _ = check(file(&bytes), Format::Csv);
            let _ = check(file(&bytes), Format::Npz);
            let mut spoilt = npz(&[("x", x()), ("y", y())]);
            let at = at % spoilt.len();
            spoilt[at] = byte;
            let _ = check(file(&spoilt), Format::Npz);
        }
    }
}
