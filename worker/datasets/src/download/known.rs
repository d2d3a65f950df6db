//! The files of the named sets: where they are, how long, and their digests.

use floodgauge_protocol::DatasetName;

/// A file at a public address.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name, there and in the set's folder.
    pub name: &'static str,
    /// Its address without its name.
    pub base: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 digest.
    pub sha256: &'static str,
}

const fn file(name: &'static str, base: &'static str, bytes: u64, sha256: &'static str) -> Known {
    Known { name, base, bytes, sha256 }
}

const MNIST: &str = "https://storage.googleapis.com/cvdf-datasets/mnist/";
const FASHION: &str = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
const KMNIST: &str = "http://codh.rois.ac.jp/kmnist/dataset/kmnist/";
const CIFAR: &str = "https://www.cs.toronto.edu/~kriz/";
const SVHN: &str = "http://ufldl.stanford.edu/housenumbers/";

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte.gz";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte.gz";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte.gz";

const MNIST_FILES: [Known; 4] = [
    file(
        TRAIN_IMAGES,
        MNIST,
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    file(
        TRAIN_LABELS,
        MNIST,
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    file(
        TEST_IMAGES,
        MNIST,
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    file(
        TEST_LABELS,
        MNIST,
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
];
const FASHION_FILES: [Known; 4] = [
    file(
        TRAIN_IMAGES,
        FASHION,
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    file(
        TRAIN_LABELS,
        FASHION,
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    file(
        TEST_IMAGES,
        FASHION,
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    file(
        TEST_LABELS,
        FASHION,
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
];
const KMNIST_FILES: [Known; 4] = [
    file(
        TRAIN_IMAGES,
        KMNIST,
        18_165_135,
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    ),
    file(
        TRAIN_LABELS,
        KMNIST,
        29_497,
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    ),
    file(
        TEST_IMAGES,
        KMNIST,
        3_041_136,
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    ),
    file(
        TEST_LABELS,
        KMNIST,
        5_120,
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
];
const CIFAR10_FILES: [Known; 1] = [file(
    crate::cifar::TEN.archive,
    CIFAR,
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)];
const CIFAR100_FILES: [Known; 1] = [file(
    crate::cifar::HUNDRED.archive,
    CIFAR,
    168_513_733,
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
)];
const SVHN_FILES: [Known; 2] = [
    file(
        crate::svhn::FILES[0],
        SVHN,
        182_040_794,
        "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    ),
    file(
        crate::svhn::FILES[1],
        SVHN,
        64_275_384,
        "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    ),
];

/// The files of a set; none of one that doesn't come as files.
pub fn known(name: &DatasetName) -> &'static [Known] {
    match name {
        DatasetName::Mnist => &MNIST_FILES,
        DatasetName::FashionMnist => &FASHION_FILES,
        DatasetName::Kmnist => &KMNIST_FILES,
        DatasetName::Cifar10 => &CIFAR10_FILES,
        DatasetName::Cifar100 => &CIFAR100_FILES,
        DatasetName::Svhn => &SVHN_FILES,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Folder, SetError};
    use floodgauge_protocol::{DatasetKind, Digest};

    #[test]
    fn every_set_of_files_is_downloaded_to_where_it_is_looked_for() {
        for name in DatasetName::ALL {
            let files = known(&name);
            assert_eq!(files.is_empty(), name.kind() != DatasetKind::Files, "{name}");
            for file in files {
                assert!(file.sha256.parse::<Digest>().is_ok(), "{}", file.name);
                assert!(format!("{}{}", file.base, file.name).parse::<reqwest::Url>().is_ok());
            }
            if let Err(SetError::Missing { files: missing, .. }) =
                Folder::new("nowhere").find(&name)
            {
                let names = missing.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
                assert!(names.eq(files.iter().map(|file| file.name)), "{name}");
            }
        }
    }
}
