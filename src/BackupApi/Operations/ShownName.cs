using BackupApi.Files;

namespace BackupApi.Operations;

/// <summary>Names of files as people and JSON see them: any name, also one that is not UTF-8, becomes a text and comes back from it.</summary>
internal static class ShownName
{
    public static string Of(string name) => PathText.Show(name);

    public static string Parse(string shown) => PathText.Parse(shown);
}
